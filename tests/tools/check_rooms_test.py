"""tools/check_rooms sees each planted violation and passes a clean tree."""
import json
import unittest

from tree import TABLE, TreeTest


def rooms(**arrows):
    return json.dumps({"base": [], "math": ["base"], **arrows}, indent=2)


def federation(**includes):
    """A room whose folders include each other as given: site="round message"."""
    files = {"rooms.json": rooms(federation=["base"])}
    for folder in ("message", "round", "site", "coordinator"):
        lines = [f'#include "federation/{other}/{other}.h"'
                 for other in includes.get(folder, "").split()]
        files[f"src/federation/{folder}/{folder}.h"] = "\n".join(
            ["// A part.", "#pragma once", '#include "base/clock.h"'] + lines)
    return files


class CheckRooms(TreeTest):
    tool = "check_rooms"

    def test_clean(self):
        self.assert_clean({})

    def test_include_that_is_not_listed(self):
        self.assert_found({"src/base/bad.cc": '\n#include "math/sum.h"\n'},
                          "src/base/bad.cc:2: 'base' includes 'math'")

    def test_tests_too_include_only_what_is_listed(self):
        self.assert_found({"src/base/bad_test.cc": '#include "math/sum.h"\n'},
                          "src/base/bad_test.cc:1: 'base' includes 'math'")

    def test_listed_arrow_that_only_a_test_uses(self):
        self.assert_found({"src/math/sum.cc": "",
                           "src/math/sum_test.cc": '#include "base/clock.h"\n'},
                          "rooms.json:3: no source of 'math' outside its tests includes 'base'")

    def test_arrow_that_is_not_permitted(self):
        self.assert_found({"rooms.json": rooms(storage=["math", "base"]),
                           "src/storage/a.cc": '#include "base/clock.h"\n#include "math/sum.h"\n'},
                          "rooms.json:6: 'storage' may not include 'math'")

    def test_room_without_a_row(self):
        self.assert_found({"rooms.json": rooms(cellar=[]), "src/cellar/a.cc": ""},
                          "rooms.json:6: room 'cellar' is not in docs/architecture.md")

    def test_room_that_is_not_listed(self):
        self.assert_found({"src/cellar/a.cc": ""}, "src/cellar/a.cc:1: room 'cellar' is not in")

    def test_listed_room_without_a_folder(self):
        self.assert_found({"rooms.json": rooms(storage=[])}, "rooms.json:6: room 'storage' has no")

    def test_table_with_an_upward_arrow(self):
        self.assert_found(
            {"docs/architecture.md": TABLE.replace("| base | |", "| base | math |")},
            "docs/architecture.md:5: 'base' may include 'math'")

    def test_cycle_of_rooms(self):
        self.assert_found(
            {"docs/architecture.md": TABLE.replace("| base | |", "| base | math |"),
             "rooms.json": json.dumps({"base": ["math"], "math": ["base"]}),
             "src/base/a.cc": '#include "math/sum.h"\n'},
            "docs/architecture.md:5:", "rooms.json:1: cycle base -> math -> base")

    def test_cycle_of_folders(self):
        self.assert_found({"src/math/a/x.h": '// X.\n#pragma once\n#include "math/b/y.h"\n',
                           "src/math/b/y.h": '// Y.\n#pragma once\n#include "math/a/x.h"\n'},
                          "src/math/a/x.h:3: the folders of 'math' form a cycle: a -> b -> a")

    def test_internal(self):
        self.assert_found({"src/base/internal/x.h": "// X.\n#pragma once\n",
                           "src/math/sum.h": '// S.\n#pragma once\n#include "base/internal/x.h"\n'},
                          "src/math/sum.h:3: \"base/internal/x.h\" is internal to room 'base'")

    def test_internal_from_a_program(self):
        self.assert_found({"src/base/internal/x.h": "// X.\n#pragma once\n",
                           "apps/other.cc": '#include "base/internal/x.h"\n'},
                          "apps/other.cc:1: \"base/internal/x.h\" is internal")

    def test_internal_of_its_own_room(self):
        self.assert_clean({"src/base/internal/x.h": "// X.\n#pragma once\n",
                           "src/base/x.cc": '#include "base/internal/x.h"\n'})

    def test_include_of_no_file(self):
        self.assert_found({"src/math/a.cc": '#include "sum.h"\n'}, 'src/math/a.cc:1: "sum.h" is no')

    def test_generated_header_stands_for_its_source(self):
        self.assert_clean({"src/math/a.proto": "", "src/math/a.cc": '#include "math/a.pb.h"\n'})
        self.assert_found({"src/math/a.cc": '#include "math/a.pb.h"\n'}, "src/math/a.cc:1: ")

    def test_order_inside_federation(self):
        self.assert_clean(federation(round="message", site="round message", coordinator="round"))
        self.assert_found(federation(message="round"),
                          "src/federation/message/message.h:4: federation/message includes "
                          "federation/round")
        self.assert_found(federation(site="coordinator"), "src/federation/site/site.h:4: ")
        self.assert_found(federation(coordinator="site"),
                          "src/federation/coordinator/coordinator.h:4: ")

    def test_doors(self):
        door = '#include "base/clock.h"\nSystemClock clock;  // SystemClock\n'
        self.assert_found({"src/math/a.cc": door}, "src/math/a.cc:2: 'SystemClock' is a real door")
        self.assert_clean({"src/math/a_test.cc": door, "tests/a.cc": door, "bench/a.cc": door})
        self.assert_clean({"src/math/a.cc": '// SystemClock\nchar a[] = "SystemClock";\n'})
        for door in ("SystemRandom", "ThreadExecutor", "storage::Disk"):
            self.assert_found({"src/math/a.cc": f"{door} door;\n"}, "src/math/a.cc:1: ")


if __name__ == "__main__":
    unittest.main()
