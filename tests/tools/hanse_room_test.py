"""hanse_room() in cmake/rooms.cmake refuses what rooms.json does not allow."""
import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROJECT = """cmake_minimum_required(VERSION 3.25)
project(planted LANGUAGES CXX)
include(cmake/rooms.cmake)
add_subdirectory(src/base)
add_subdirectory(src/math)
"""


class HanseRoom(unittest.TestCase):
    def configure(self, rooms, base="hanse_room(base)", math="hanse_room(math)"):
        with tempfile.TemporaryDirectory() as folder:
            tree = pathlib.Path(folder)
            (tree / "cmake").mkdir()
            shutil.copy(ROOT / "cmake/rooms.cmake", tree / "cmake")
            (tree / "CMakeLists.txt").write_text(PROJECT)
            (tree / "rooms.json").write_text(rooms)
            for room, text in (("base", base), ("math", math)):
                (tree / "src" / room).mkdir(parents=True)
                (tree / "src" / room / "CMakeLists.txt").write_text(text)
                (tree / "src" / room / "a.cc").write_text(f"int {room}() {{ return 1; }}\n")
            command = os.environ.get("CMAKE_COMMAND", "cmake")
            done = subprocess.run([command, "-S", folder, "-B", f"{folder}/build", "-G", "Ninja"],
                                  capture_output=True, text=True, check=False)
            return done.returncode, " ".join(done.stderr.split())

    def assert_refused(self, words, *arguments, **named):
        code, text = self.configure(*arguments, **named)
        self.assertNotEqual(code, 0)
        self.assertIn(words, text)

    def test_listed_rooms_configure(self):
        self.assertEqual(self.configure('{"base": [], "math": ["base"]}'), (0, ""))

    def test_room_that_is_not_listed(self):
        self.assert_refused("room 'math' is not in rooms.json", '{"base": []}')

    def test_upward_arrow(self):
        self.assert_refused("'math' stands on no lower floor",
                            '{"base": ["math"], "math": []}')

    def test_room_among_the_libraries(self):
        self.assert_refused("'hanse_base' is a room; list it in rooms.json",
                            '{"base": [], "math": []}', math="hanse_room(math LINKS hanse_base)")

    def test_unknown_argument(self):
        self.assert_refused("unknown arguments 'hanse_base'", '{"base": [], "math": []}',
                            math="hanse_room(math hanse_base)")


if __name__ == "__main__":
    unittest.main()
