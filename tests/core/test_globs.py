"""Globs over paths as Pachyderm has them: what matches, what is captured, and how long that may take."""

from __future__ import annotations

import time
from functools import lru_cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dagbook.runner.core import globs
from dagbook.runner.core.errors import PipelineError
from dagbook.runner.core.glob_program import Program
from dagbook.runner.core.glob_syntax import Bracket, Group, One, Piece, Star, Text, parsed
from dagbook.runner.core.globs import Glob, filled

PATHS = ["/", "/a", "/a/x.csv", "/a/deep/y.csv", "/b.csv", "/b.txt", "/c", "/c/z.csv"]


@pytest.mark.parametrize(
    ("glob", "matched"),
    [
        ("/", ["/"]),
        ("", ["/"]),
        ("/*", ["/a", "/b.csv", "/b.txt", "/c"]),
        ("*", ["/a", "/b.csv", "/b.txt", "/c"]),
        ("/*/", ["/a", "/b.csv", "/b.txt", "/c"]),
        ("/*/*", ["/a/deep", "/a/x.csv", "/c/z.csv"]),
        ("a/*", ["/a/deep", "/a/x.csv"]),
        ("/**", ["/a", "/a/deep", "/a/deep/y.csv", "/a/x.csv", "/b.csv", "/b.txt", "/c", "/c/z.csv"]),
        ("/**.csv", ["/a/deep/y.csv", "/a/x.csv", "/b.csv", "/c/z.csv"]),
        ("/*.csv", ["/b.csv"]),
        ("/b.???", ["/b.csv", "/b.txt"]),
        ("/{a,c}", ["/a", "/c"]),
        ("/{a,c}/*.csv", ["/a/x.csv", "/c/z.csv"]),
        ("/[ab]*", ["/a", "/b.csv", "/b.txt"]),
        ("/[!ab]*", ["/c"]),
        ("/!(*.csv)", ["/a", "/b.txt", "/c"]),
        ("/!(**)", []),
        ("/@(a|c)", ["/a", "/c"]),
        ("/?(a)", ["/a"]),
        ("/nothing", []),
    ],
)
def test_row_113_a_glob_matches_files_and_folders_and_only_a_slash_matches_the_whole(
    glob: str, matched: list[str]
) -> None:
    """`*` stays within a path part; a slash at either end makes no difference."""
    tree = [*PATHS, "/a/deep"]
    assert sorted(path for path in tree if Glob(glob).matches(path) is not None) == matched


@pytest.mark.parametrize(
    ("glob", "path", "captures"),
    [
        ("/(*)", "/sensor-7", ("sensor-7",)),
        ("/(*)/", "/sensor-7/", ("sensor-7",)),
        ("/year=(*)/(*).parquet", "/year=2031/june.parquet", ("2031", "june")),
        ("/@(2030|2031)/@(*)", "/2031/june", ("2031", "june")),
        ("/log+([0-9]).txt", "/log0047.txt", ("0047",)),
        ("/log*([0-9]).txt", "/log.txt", ("",)),
        ("/ab?(c)", "/ab", ("",)),
        ("/ab?(c)", "/abc", ("c",)),
        ("/!(draft)/(*)", "/final/x", ("final", "x")),
        ("/a*(/?(+(b|c)/*.py))", "/a/bcb/m.py", ("/bcb/m.py", "bcb/m.py", "bcb")),
        ("/(a|b)", "/c", None),
        ("/plain", "/plain", ()),
    ],
)
def test_groups_capture_what_they_stood_for(glob: str, path: str, captures: tuple[str, ...] | None) -> None:
    """A group that took no part captured the empty text."""
    assert Glob(glob).matches(path) == captures


@pytest.mark.parametrize(
    ("glob", "yes", "no"),
    [
        ("/[[:digit:]][[:alpha:]]", ["/4x"], ["/x4", "/[x"]),
        ("/[[:^digit:]]", ["/x"], ["/4"]),
        (r"/[\]\-]", ["/]", "/-"], ["/a", "/\\"]),
        ("/[a-]", ["/a", "/-"], ["/b"]),
        ("/[^a-c]", ["/d"], ["/b"]),
        (r"/\*\(x\)", ["/*(x)"], ["/x", "/xx"]),
        ("/a,b|c}d)", ["/a,b|c}d)"], ["/a"]),
        ("/x@y!z+", ["/x@y!z+"], ["/xyz"]),
        ("/{,old-}x", ["/x", "/old-x"], ["/-x"]),
        ("/a**(b|c)", ["/a", "/aXb", "/abcb"], ["/b"]),
        ("/!(x)", ["/foo", "/xx"], ["/x"]),
        ("/!(x)y", ["/ay"], ["/xy", "/xxy"]),  # text behind it, so that all that begins with x is excluded
        ("/!(!(x))", ["/x"], ["/y"]),
        ("/*.!(js|css)", ["/a.min.py"], ["/a.js", "/a"]),
        ("/*(a|ab)c", ["/aabc", "/c"], ["/abb"]),
        ("/ä?", ["/äö"], ["/ä"]),
    ],
)
def test_brackets_escapes_and_extended_groups(glob: str, yes: list[str], no: list[str]) -> None:
    """What each construction takes and what it refuses."""
    made = Glob(glob)
    assert [path for path in yes if made.matches(path) is None] == []
    assert [path for path in no if made.matches(path) is not None] == []


@pytest.mark.parametrize(
    ("glob", "why"),
    [
        ("/[abc", "[ is not closed"),
        ("/[]", "nothing stands between"),
        ("/[!]", "nothing stands between"),
        ("/[z-a]", "the wrong way round"),
        ("/(a|b", "( is not closed"),
        ("/{a,b", "{ is not closed"),
        ("/{a,(b}", "( is not closed"),
        ("/(a\\", "( is not closed"),
        ("/^(a)", "^("),
        ("(" * 40 + ")" * 40, "within each other"),
        ("*" * 501, "more than 500"),
    ],
)
def test_a_glob_that_cannot_be_read_is_told_with_the_reason(glob: str, why: str) -> None:
    """One error of its own code, whatever is wrong."""
    with pytest.raises(PipelineError) as raised:
        Glob(glob)
    assert raised.value.problems[0].code == "E-GLOB"
    assert why in raised.value.problems[0].message


@pytest.mark.parametrize(
    ("template", "value"),
    [
        ("$1", "adele"),
        ("$2-$1", "2031-adele"),
        ("${1}1", "adele1"),
        ("$11", ""),
        ("$$1", "$1"),
        ("$0", "/adele/2031"),
        ("$01", ""),
        ("a$", "a$"),
        ("${1", "${1"),
        ("plain", "plain"),
        ("", ""),
        ("$99999999999", ""),
    ],
)
def test_a_template_is_filled_with_captures(template: str, value: str) -> None:
    """A number without a capture stands for nothing, and all else for itself."""
    assert filled(template, "adele/2031/", ("adele", "2031")) == value


@pytest.mark.parametrize(
    ("glob", "path"),
    [
        ("/" + "*a" * 60 + "b", "/" + "a" * 200),
        ("/*(*(*(*(a))))b", "/" + "a" * 60),
        ("/" + "{a,aa}" * 40 + "b", "/" + "a" * 60),
        ("/+(a|aa|aaa|+(a))", "/" + "a" * 60 + "b"),
        ("/!(!(!(*a*a*a*)))" + "*a" * 9, "/" + "a" * 60 + "b"),
        ("/**" + "/**a" * 20, "/" + "a/" * 100 + "b"),
    ],
)
def test_no_glob_takes_for_ever(glob: str, path: str) -> None:
    """Patterns that keep a regular expression busy for years are answered at once."""
    begun = time.perf_counter()
    assert Glob(glob).matches(path) is None
    assert time.perf_counter() - begun < 10  # it takes milliseconds; a slow machine is no failure


@lru_cache(maxsize=100_000)
def possible(pieces: tuple[Piece, ...], path: str) -> bool:
    """Whether the path can be split among the pieces; slow, and by the words of the rules."""
    if not pieces:
        return path == ""
    first, rest = pieces[0], pieces[1:]
    return any(takes(first, path[:cut]) and possible(rest, path[cut:]) for cut in range(len(path) + 1))


def takes(piece: Piece, text: str) -> bool:
    if isinstance(piece, Text):
        return text == piece.text
    if isinstance(piece, Star):
        return piece.deep or "/" not in text
    if isinstance(piece, One):
        return len(text) == 1 and text != "/"
    if isinstance(piece, Bracket):
        return len(text) == 1 and any(low <= text <= high for low, high in piece.ranges) != piece.negated
    once = any(possible(option, text) for option in piece.options)
    if piece.mark in ("", "@") or once:
        return once
    if piece.mark in ("?", "*") and text == "":
        return True
    return piece.mark in ("*", "+") and any(
        any(possible(option, text[:cut]) for option in piece.options)
        and takes(Group(piece.mark, piece.options), text[cut:])
        for cut in range(1, len(text))
    )


def glob_texts(marks: str) -> st.SearchStrategy[str]:
    """Globs of a small alphabet, with groups of these marks."""
    pieces = st.sampled_from(["a", "b", "/", "*", "**", "?", "[ab]", "[!a]", "\\*"])

    def grouped(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
        options = st.lists(inner, min_size=1, max_size=3)
        captured = st.builds(lambda mark, ones: f"{mark}({'|'.join(ones)})", st.sampled_from(marks), options)
        return st.one_of(
            st.lists(inner, max_size=4).map("".join), options.map(lambda ones: f"{{{','.join(ones)}}}"), captured
        )

    return st.recursive(pieces, grouped, max_leaves=8).map(lambda text: "/" + text)


path_texts = st.text("ab/*", max_size=7).map(lambda text: "/" + text)


@settings(max_examples=400, deadline=None)
@given(glob_texts("@*+?"), path_texts)
def test_a_glob_matches_what_the_rules_say(glob: str, path: str) -> None:
    """Both ways of matching agree with a search through all ways to split the path."""
    path = globs.clean(path)
    if path == "/" or globs.clean(glob) == "/":
        return
    assert (Glob(glob).matches(path) is not None) == possible(parsed(globs.clean(glob)).pieces, path)


@settings(max_examples=400, deadline=None)
@given(glob_texts("@"), path_texts)
def test_both_ways_of_matching_capture_the_same(glob: str, path: str) -> None:
    """The quick way by a regular expression is taken for harmless globs only, and gives what the other gives."""
    path = globs.clean(path)
    if path == "/" or globs.clean(glob) == "/":
        return
    assert Glob(glob).matches(path) == Program(parsed(globs.clean(glob))).match(path)
