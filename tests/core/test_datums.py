"""Inputs are cut into datums as Pachyderm cuts them. The figures for fifty files are those of its own tests."""

from __future__ import annotations

import time
from collections import Counter
from itertools import product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dagbook.runner.core.datums import Datum, Tree, datums_of
from dagbook.runner.core.dialect import DatumInput, DatumKind
from dagbook.runner.core.errors import PipelineError

FIFTY = {"notes": Tree.of({"path": f"n{number}", "kind": "file", "content": "same"} for number in range(50))}


def pfs(glob: str, name: str = "notes", repo: str = "notes", **more: Any) -> DatumInput:
    return DatumInput(name=name, repo=repo, glob=glob, **more)


def of(kind: DatumKind, *parts: DatumInput) -> DatumInput:
    return DatumInput(kind=kind, parts=parts)


def union(*parts: DatumInput) -> DatumInput:
    return of(DatumKind.UNION, *parts)


def cross(*parts: DatumInput) -> DatumInput:
    return of(DatumKind.CROSS, *parts)


def join(*parts: DatumInput) -> DatumInput:
    return of(DatumKind.JOIN, *parts)


def group(*parts: DatumInput) -> DatumInput:
    return of(DatumKind.GROUP, *parts)


def told(datums: list[Datum]) -> list[str]:
    """Each datum as the numbers of its files."""
    return [" ".join(part.path.removeprefix("/n") for part in datum.parts) for datum in datums]


def cut(source: DatumInput, trees: dict[str, Tree] = FIFTY) -> list[str]:
    return told(datums_of(source, trees))


ONES, TWOS, NOTHING = pfs("/n?1", "ones"), pfs("/n*2", "twos"), pfs("!(**)", "none")


def test_row_113_each_match_of_a_glob_is_a_datum() -> None:
    """By path, as texts are sorted."""
    assert cut(ONES) == ["11", "21", "31", "41"]
    assert cut(TWOS) == ["12", "2", "22", "32", "42"]
    assert cut(NOTHING) == []
    assert cut(pfs("/")) == ["/"]
    assert len(cut(pfs("/*"))) == 50


def test_a_union_has_the_datums_of_its_inputs_one_after_the_other() -> None:
    """Four and five are nine."""
    assert cut(union(ONES, TWOS)) == ["11", "21", "31", "41", "12", "2", "22", "32", "42"]


def test_a_cross_has_every_combination() -> None:
    """Four times five are twenty; with an empty input there is none, however deep it stands."""
    assert cut(cross(ONES, TWOS)) == [f"{one} {two}" for one in (11, 21, 31, 41) for two in (12, 2, 22, 32, 42)]
    empty = cross(union(ONES, TWOS), NOTHING, pfs("/n*2", "more"), cross(pfs("/*", "a"), pfs("/*", "b")))
    assert cut(empty) == []
    assert cut(cross(empty, ONES)) == []


def test_a_join_combines_equal_keys() -> None:
    """Sixteen of the fifty have both digits from one to four."""
    left, right = pfs("/n(?)(?)", "left", join_on="$1$2"), pfs("/n(?)(?)", "right", join_on="$2$1")
    assert cut(join(left, right)) == [f"{a}{b} {b}{a}" for a in "1234" for b in "1234"]


def test_an_outer_join_keeps_what_has_no_partner() -> None:
    """Ten keys, of which four have both."""
    tens, ones = pfs("/n1(?)", "tens", join_on="$1", outer_join=True), pfs("/n(?)1", "ones", join_on="$1")
    expected = ["10", "11 11", "12 21", "13 31", "14 41", "15", "16", "17", "18", "19"]
    assert cut(join(tens, ones)) == expected
    assert cut(join(tens, pfs("/n(?)1", "ones", join_on="$1", outer_join=True))) == expected
    only = cut(join(ones, pfs("/n1(?)", "tens", join_on="$1")))
    assert only == ["11 11", "21 12", "31 13", "41 14"]


def test_where_a_key_is_missing_somewhere_only_outer_inputs_give_files() -> None:
    """One of three inputs lacks the key 5; then the one that is no outer join gives nothing, and no datum is twice."""
    outer = pfs("/n1(?)", "outer", join_on="$1", outer_join=True)
    inner = pfs("/n(?)(5)", "inner", join_on="$2")
    found = cut(join(outer, inner, pfs("/n(1)1", "last", join_on="$1")))
    assert found == ["10", "11", "12", "13", "14", "15", "16", "17", "18", "19"]


def test_a_group_has_all_files_of_a_key() -> None:
    """One input makes four datums of ten files."""
    found = cut(group(pfs("/n(?)(?)", group_by="$1")))
    assert found == [" ".join(f"{ten}{one}" for one in range(10)) for ten in range(1, 5)]


def test_a_group_of_two_inputs_has_the_files_of_both() -> None:
    """Ten keys: 0 and 5 to 9 only by the second digit, 1 to 4 by both, with ten and four files."""
    found = cut(group(pfs("/n(?)(?)", "tens", group_by="$1"), pfs("/n(?)(?)", "ones", group_by="$2")))
    assert [len(datum.split()) for datum in found] == [4, 14, 14, 14, 14, 4, 4, 4, 4, 4]
    assert found[0] == "10 20 30 40"
    assert found[1] == "10 11 12 13 14 15 16 17 18 19 11 21 31 41"


def test_a_group_of_a_join_gathers_the_files_of_its_datums_one_by_one() -> None:
    """Four keys, each with four files by the first digit and four by the second."""
    left = pfs("/n(?)(?)", "left", join_on="$1$2", group_by="$1")
    right = pfs("/n(?)(?)", "right", join_on="$2$1", group_by="$2")
    found = cut(group(join(left, right)))
    assert [Counter(datum.split()) for datum in found] == [
        Counter(f"{key}{one}" for one in range(1, 5)) + Counter(f"{one}{key}" for one in range(1, 5))
        for key in range(1, 5)
    ]


def test_a_union_may_hold_a_group() -> None:
    """Forty single files and ten datums of four."""
    found = cut(union(pfs("/n(?)(?)"), group(pfs("/n(?)(?)", "grouped", group_by="$2"))))
    assert Counter(len(datum.split()) for datum in found) == {1: 40, 4: 10}


def test_a_slash_behind_the_glob_makes_no_other_keys() -> None:
    """`/(*)/` captures as `/(*)` does."""
    trees = {repo: Tree.of({"path": f"n{number}"} for number in range(10)) for repo in ("a", "b")}
    for glob in ("/(*)", "/(*)/"):
        source = join(pfs(glob, "a", "a", join_on="$1"), pfs(glob, "b", "b", join_on="$1"))
        assert cut(source, trees) == [f"{number} {number}" for number in range(10)]


SHOP = Tree.of(
    [
        {"path": "2030", "kind": "folder", "size": 0, "executable": False, "content": ""},
        {"path": "2030/may.csv", "kind": "file", "size": 3, "executable": False, "content": "m30"},
        {"path": "2030-old/x.csv", "kind": "file", "size": 3, "executable": False, "content": "old"},
        {"path": "2031/june/a.csv", "kind": "file", "size": 3, "executable": False, "content": "j"},
        {"path": "readme", "kind": "file", "size": 3, "executable": True, "content": "r"},
    ]
)


@pytest.mark.parametrize(
    ("glob", "files"),
    [
        ("/", {"/": ["2030-old/x.csv", "2030/may.csv", "2031/june/a.csv", "readme"]}),
        (
            "/*",
            {
                "/2030": ["2030/may.csv"],
                "/2030-old": ["2030-old/x.csv"],
                "/2031": ["2031/june/a.csv"],
                "/readme": ["readme"],
            },
        ),
        ("/2031/*", {"/2031/june": ["2031/june/a.csv"]}),
        ("/*/*.csv", {"/2030-old/x.csv": ["2030-old/x.csv"], "/2030/may.csv": ["2030/may.csv"]}),
    ],
)
def test_row_113_a_folder_that_matches_is_one_datum_with_all_that_is_in_it(
    glob: str, files: dict[str, list[str]]
) -> None:
    """Folders that only the paths of files tell of count too; a name that begins alike does not."""
    found = datums_of(pfs(glob, repo="shop"), {"shop": SHOP})
    assert {datum.parts[0].path: [file.path for file in datum.parts[0].files] for datum in found} == files


def test_an_empty_repository_has_no_datum() -> None:
    """Not even the whole of it."""
    assert datums_of(pfs("/"), {"notes": Tree()}) == []


def test_a_cron_input_has_a_datum_for_each_tick() -> None:
    """Whatever its glob says."""
    trees = {"ticks": Tree.of([{"path": "2031-01-01T00:00:00Z"}, {"path": "2031-01-02T00:00:00Z"}])}
    assert len(datums_of(DatumInput(kind=DatumKind.CRON, name="tick", repo="ticks"), trees)) == 2


def test_the_identity_tells_which_datum_it_is_and_the_content_what_is_in_it() -> None:
    """Another name, repository, branch or path is another datum; another file, name of a file or mode other content."""
    [base] = datums_of(pfs("/2030", repo="shop"), {"shop": SHOP})
    others = [
        datums_of(pfs("/2030", "other", "shop"), {"shop": SHOP}),
        datums_of(pfs("/2030", repo="store"), {"store": SHOP}),
        datums_of(pfs("/2030", repo="shop", branch="dev"), {"shop": SHOP}),
        datums_of(pfs("/2030-old", repo="shop"), {"shop": SHOP}),
    ]
    assert len({base.id, *(one[0].id for one in others)}) == 5
    contents = {base.content}
    for change in ({"content": "new"}, {"path": "2030/april.csv"}, {"executable": True}):
        item = {"path": "2030/may.csv", "kind": "file", "size": 3, "executable": False, "content": "m30"}
        [changed] = datums_of(pfs("/2030", repo="shop"), {"shop": Tree.of([item | change])})
        assert changed.id == base.id
        contents.add(changed.content)
    assert len(contents) == 4


def test_the_order_of_inputs_makes_no_other_datum() -> None:
    """What was done before a spec was tidied up is not done again."""
    one, other = cross(ONES, TWOS), cross(TWOS, ONES)
    assert {(datum.id, datum.content) for datum in datums_of(one, FIFTY)} == {
        (datum.id, datum.content) for datum in datums_of(other, FIFTY)
    }


def test_the_same_datum_twice_is_one() -> None:
    """Two inputs of a union may find the same file under the same name."""
    assert cut(union(pfs("/n1?"), pfs("/n11"))) == [str(number) for number in range(10, 20)]


def test_names_that_are_no_text_have_an_identity_too() -> None:
    """A file name that is not UTF-8 hashes like another."""
    [datum] = datums_of(pfs("/*"), {"notes": Tree.of([{"path": "\udce4", "content": "c"}])})
    assert len(datum.id) == 64


def test_datums_are_counted_before_they_are_made() -> None:
    """A cross of four times two hundred would be 1,600,000,000; the message has the number, at once."""
    trees = {"many": Tree.of({"path": f"f{number}"} for number in range(200))}
    branches = [pfs("/*", f"input{number}", "many") for number in range(4)]
    begun = time.perf_counter()
    with pytest.raises(PipelineError) as raised:
        datums_of(cross(*branches), trees)
    assert raised.value.problems[0].code == "E-DATUMS"
    assert "1,600,000,000" in raised.value.problems[0].message
    with pytest.raises(PipelineError, match="1,600,000,000"):
        datums_of(group(union(cross(*branches), NOTHING)), trees | FIFTY)
    with pytest.raises(PipelineError, match="8,000,000"):
        datums_of(join(*branches[:3]), trees)
    assert datums_of(cross(cross(*branches), NOTHING), trees | FIFTY) == []
    assert time.perf_counter() - begun < 10


def test_a_repository_that_is_not_there_is_no_silent_nothing() -> None:
    """The caller has to give every repository."""
    with pytest.raises(KeyError):
        datums_of(pfs("/", repo="nowhere"), FIFTY)


trees = st.lists(
    st.lists(st.sampled_from(["a", "b", "ab", "a-b", "c0"]), min_size=1, max_size=3).map("/".join), max_size=8
).map(
    lambda paths: Tree.of(
        {"path": path, "content": path} for path in paths if not any(other.startswith(f"{path}/") for other in paths)
    )
)
leaf_globs = st.sampled_from(["/", "/*", "/*/*", "/**", "/(?)*", "/{a,b}*", "/!(a)", "/a"])


@settings(max_examples=150, deadline=None)
@given(trees, st.lists(leaf_globs, min_size=1, max_size=3))
def test_sizes_add_up(tree: Tree, leaves: list[str]) -> None:
    """A union has the sum of its inputs and a cross their product."""
    inputs = [pfs(glob, f"i{number}", "repo") for number, glob in enumerate(leaves)]
    sizes = [len(datums_of(one, {"repo": tree})) for one in inputs]
    assert len(datums_of(union(*inputs), {"repo": tree})) == sum(sizes)
    total = 1
    for size in sizes:
        total *= size
    assert len(datums_of(cross(*inputs), {"repo": tree})) == total


@settings(max_examples=150, deadline=None)
@given(trees, leaf_globs)
def test_every_file_of_a_datum_lies_under_its_match(tree: Tree, glob: str) -> None:
    """And every file under it belongs to the datum."""
    files = [entry.path for entry in tree.entries if entry.kind == "file"]
    for datum in datums_of(pfs(glob, repo="repo"), {"repo": tree}):
        [part] = datum.parts
        under = [path for path in files if f"/{path}/".startswith(part.path.rstrip("/") + "/")]
        assert [file.path for file in part.files] == under


@settings(max_examples=100, deadline=None)
@given(trees, trees, st.booleans(), st.booleans())
def test_a_join_has_what_a_loop_over_all_pairs_finds(left: Tree, right: Tree, outer: bool, other: bool) -> None:
    """Pairs of equal keys; for outer inputs also what has no partner."""
    source = join(
        pfs("/(?)*", "left", "left", join_on="$1", outer_join=outer),
        pfs("/(?)*", "right", "right", join_on="$1", outer_join=other),
    )
    found = {tuple(part.path for part in datum.parts) for datum in datums_of(source, {"left": left, "right": right})}
    ones, others = ([f"/{entry.path}" for entry in tree.entries if "/" not in entry.path] for tree in (left, right))
    pairs = {(one, two) for one, two in product(ones, others) if one[1] == two[1]}
    alone = {(one,) for one in ones if outer and all(one[1] != two[1] for two in others)}
    alone |= {(two,) for two in others if other and all(one[1] != two[1] for one in ones)}
    assert found == pairs | alone
