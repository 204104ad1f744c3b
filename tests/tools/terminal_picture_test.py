"""The README's picture shows what the demo prints, and tools/terminal_picture reads a terminal right.

Words must agree exactly, seconds are masked, and numbers may differ by little: results are the same
to the bit on one instruction set and not between two.
"""
import importlib.util
import os
import pathlib
import re
import unittest
import xml.etree.ElementTree
from importlib.machinery import SourceFileLoader

ROOT = pathlib.Path(__file__).resolve().parents[2]
LOADER = SourceFileLoader("terminal_picture", str(ROOT / "tools/terminal_picture"))
SPEC = importlib.util.spec_from_loader("terminal_picture", LOADER)
picture = importlib.util.module_from_spec(SPEC)
LOADER.exec_module(picture)

NUMBER = re.compile(r"\d+\.\d+")
SECONDS = re.compile(r"\d+(\.\d+)? s\b")


def words_of(svg):
    """The lines of a picture, without their places."""
    lines = []
    for text in xml.etree.ElementTree.fromstring(svg).iter("{http://www.w3.org/2000/svg}text"):
        lines.append(" ".join("".join(text.itertext()).split()))
    return "\n".join(lines)


def shape_of(text):
    """The text with numbers and seconds masked, and the numbers."""
    masked = SECONDS.sub("# s", text)
    return NUMBER.sub("#", masked), [float(number) for number in NUMBER.findall(masked)]


def screen(written):
    result = picture.Screen()
    result.write(written)
    return result


class Screen(unittest.TestCase):
    def test_a_line_that_is_rewritten_shows_its_last_state(self):
        self.assertEqual(screen("round 1 of 10\r\x1b[Kdone\r\nnext\r\n").text(), "done\nnext")
        self.assertEqual(screen("abcdef\rxy").text(), "xycdef")
        self.assertEqual(screen("ab\b\bc").text(), "cb")
        self.assertEqual(screen("ab\x1b[2Kc").text(), "  c")

    def test_the_cursor_moves_up_and_the_rest_is_erased(self):
        self.assertEqual(screen("one\r\ntwo\r\n\x1b[2A\x1b[JONE\r\n").text(), "ONE")
        self.assertEqual(screen("one\r\ntwo\r\n\x1b[AT").text(), "one\nTwo")

    def test_long_lines_wrap(self):
        self.assertEqual(screen("x" * (picture.COLUMNS + 2)).text(), "x" * picture.COLUMNS + "\nxx")

    def test_styles_are_kept_with_their_text(self):
        runs = list(screen("a\x1b[1mb\x1b[0;32mc\x1b[0m\x1b[2md\x1b[22;39me").runs())
        self.assertEqual(runs, [[[0, "a", (None, False, False)], [1, "b", (None, True, False)],
                                 [2, "c", (32, False, False)], [3, "d", (None, False, True)],
                                 [4, "e", (None, False, False)]]])

    def test_a_picture_holds_its_text(self):
        drawn = picture.svg(screen("a <b> & \x1b[1mc\x1b[0m\r\n\r\nlast\r\n"), "title")
        self.assertEqual(words_of(drawn), "a <b> & c\n\nlast")


class Demo(unittest.TestCase):
    def test_the_picture_in_the_readme_is_what_the_demo_prints(self):
        binary = pathlib.Path(os.environ.get("HANSE_BINARY", ROOT / "build/release/hanse"))
        self.assertTrue(binary.exists(), f"{binary} is not built")
        now = screen("$ ./dev demo\r\n" +
                     picture.run([str(binary), "run", "examples/bearings.toml"]))
        shown = words_of((ROOT / "docs/images/demo.svg").read_text())
        shape, numbers = shape_of(words_of(picture.svg(now, "demo")))
        shown_shape, shown_numbers = shape_of(shown)
        self.assertEqual(shape, shown_shape, "run ./dev docs to draw it again")
        for number, shown_number in zip(numbers, shown_numbers, strict=True):
            self.assertAlmostEqual(number, shown_number, delta=0.05 + 0.02 * abs(shown_number))

    def test_a_change_would_be_seen(self):
        shape, _ = shape_of("accuracy 0.92 took 3.1 s")
        self.assertEqual(shape, shape_of("accuracy 0.95 took 14 s")[0])
        self.assertNotEqual(shape, shape_of("precision 0.92 took 3.1 s")[0])
        self.assertNotEqual(shape, shape_of("accuracy 0.92 took 3.1 s, private")[0])


if __name__ == "__main__":
    unittest.main()
