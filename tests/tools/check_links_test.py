"""tools/check_links sees each broken link."""
import unittest

from tree import TreeTest


class CheckLinks(TreeTest):
    tool = "check_links"

    def test_links(self):
        page = "# A page\n\n[a](docs/b.md) [b](docs/b.md#two-words) [c](#a-page) [d](https://e.f)\n"
        other = "# Two words\n\n`[a](nowhere)`\n"
        self.assert_clean({"README.md": page, "docs/b.md": other})
        self.assert_found({"README.md": page}, "README.md:3: 'docs/b.md'",
                          "README.md:3: 'docs/b.md#two-words'")
        self.assert_found({"README.md": page, "docs/b.md": "# Three\n"},
                          "README.md:3: 'docs/b.md#two-words': that page has no such heading")
        self.assert_found({"README.md": '<img src="docs/a.svg">\n'}, "README.md:1: 'docs/a.svg'")
        self.assert_found({"docs/b.md": "[a](../src/none)\n"}, "docs/b.md:1: '../src/none'")


if __name__ == "__main__":
    unittest.main()
