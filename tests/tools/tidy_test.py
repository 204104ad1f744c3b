"""tools/tidy sees each planted violation and passes a clean tree."""
import unittest

from tree import TreeTest

HEADER = "// What it is.\n#pragma once\n"


def function(lines, opening="int f() {"):
    return opening + "\n" + "  g();\n" * (lines - 2) + "}\n"


class Tidy(TreeTest):
    tool = "tidy"

    def test_clean(self):
        self.assert_clean({})

    def test_length_of_functions(self):
        self.assert_clean({"src/base/a.cc": function(69)})
        for opening in ("int f() {", "Result<int> A::f(int a) const {", "A::A(int a) : a_(a) {",
                        "auto f() -> int {", "template <class T>\nT f(T a) {",
                        "std::vector<int> f(std::vector<int> a = {}) {", "const B& f(\n    B b) {"):
            extra = opening.count("\n")
            self.assert_found({"src/base/a.cc": function(70, opening)},
                              f"src/base/a.cc:1: a function of {70 + extra} lines")
            self.assert_clean({"src/base/a.cc": function(69 - extra, opening)})

    def test_length_of_functions_in_classes_and_namespaces(self):
        self.assert_found({"src/base/a.cc": "namespace a {\nclass A {\n" + function(70) + "};\n}\n"},
                          "src/base/a.cc:3: a function of 70 lines")

    def test_length_of_functions_ignores_braces_in_texts(self):
        inside = function(40).replace("  g();", "  g(\"{\", '{');  // {", 3)
        self.assert_clean({"src/base/a.cc": inside * 3})

    def test_tables_and_classes_may_be_long(self):
        rows = "    {1, 2},\n" * 80
        self.assert_clean({"src/base/a.cc": "constexpr Row kTable[] = {\n" + rows + "};\n",
                           "src/base/b.cc": "constexpr std::array<Row, 80> kTable{{\n" + rows
                           + "}};\n",
                           "src/base/c.cc": "struct A {\n" + "  int a();\n" * 80 + "};\n"})

    def test_length_of_files(self):
        self.assert_clean({"src/base/a.cc": "int a;\n" * 499})
        self.assert_found({"src/base/a.cc": "int a;\n" * 500}, "src/base/a.cc:500: 500 lines")
        self.assert_found({"tests/a.py": "a = 1\n" * 500}, "tests/a.py:500: 500 lines")

    def test_columns(self):
        self.assert_clean({"src/base/a.cc": "int a;" + " " * 94 + "\n"})
        self.assert_found({"src/base/a.cc": "\nint a;" + " " * 95 + "\n"},
                          "src/base/a.cc:2: 101 columns")

    def test_names_that_say_nothing(self):
        for name in ("RunManager", "MathHelper", "Utils", "StringUtil", "CommonThings", "SiteInfo",
                     "RunContext", "SiteImpl"):
            self.assert_found({"src/base/a.cc": f"class {name} {{}};\n"}, "src/base/a.cc:1: type")
        self.assert_clean({"src/base/a.cc": "class Information {};\n// struct RunManager\n"})

    def test_words_with_one_right_name(self):
        for text in ("int client_id;", "// Each worker waits.", "class FlClient {};", "// a silo",
                     "int node_id;", "// the aggregator", "int masters;"):
            planted = {"src/base/a.cc": text + "\n"}
            if "Fl" in text:  # a compound such as HttpClient belongs to another trade
                self.assert_clean(planted)
            else:
                self.assert_found(planted, "src/base/a.cc:1: ")
        self.assert_clean({"src/base/a.cc": '// A tree\'s node, clientele.\nf("client");\n',
                           "docs/a.md": "Flower calls them clients.\n"})

    def test_unfinished_work(self):
        for mark in ("TODO", "FIXME", "XXX"):
            self.assert_found({"src/base/a.cc": f"// {mark}: later\n"}, "src/base/a.cc:1: ")
        self.assert_found({"docs/a.md": "TODO\n"}, "docs/a.md:1: 'TODO'")

    def test_paths_of_one_machine(self):
        for top in ("home", "root", "tmp"):
            path = f"/{top}/ada/x"
            self.assert_found({"tests/a.py": f"\nopen('{path}')\n"}, "tests/a.py:2: a path of one")
        self.assert_clean({"tests/a.py": "open('build/work/x')\n"})

    def test_headers(self):
        self.assert_found({"src/base/a.h": "// A.\nint a;\n"}, "src/base/a.h:1: a header has '#pr")
        self.assert_found({"src/base/a.h": "#pragma once\n"}, "src/base/a.h:1: a header's first")
        for library in ("CLI/CLI.hpp", "toml++/toml.h", "nlohmann/json.hpp", "Eigen/Dense",
                        "unsupported/Eigen/FFT", "rapidcheck.h"):
            include = f"#include <{library}>\n"
            self.assert_found({"src/base/a.h": HEADER + include}, "src/base/a.h:3: ")
            self.assert_clean({"src/base/a.cc": include})
        self.assert_clean({"src/base/a.h": HEADER + "#include <nlohmann/json_fwd.hpp>\n"})

    def test_pure_rooms(self):
        for header in ("thread", "mutex", "fstream", "chrono", "filesystem", "sys/socket.h"):
            include = f"#include <{header}>\n"
            self.assert_found({"src/math/a.cc": include}, "src/math/a.cc:1: 'math' is a pure room")
            self.assert_clean({"src/math/a_test.cc": include, "src/base/a.cc": include})

    def test_room_without_readme(self):
        self.assert_found({"src/math/README.md": None}, "src/math:1: a room has a README.md")

    def test_bytes_that_are_no_text(self):
        self.assert_clean({"docs/a.bin": b"\xff\xfe TODO"})


if __name__ == "__main__":
    unittest.main()
