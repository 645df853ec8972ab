"""Which node runs come to be, and when: against a brute-force oracle, and the seeds' own examples."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator, Sequence

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from dagbook.runner.core.edge import COMPARING, Condition, Objective
from dagbook.runner.core.events import AttemptEnded, Begin, Start
from dagbook.runner.core.expansion import Birth, Expansion
from dagbook.runner.core.graph import graph_of, in_order
from dagbook.runner.core.lifecycle import BROKEN, Created, RunState, State, Tagged
from dagbook.runner.core.model import Node, OnError, Pipeline
from dagbook.runner.core.routes import Choice, count
from dagbook.runner.core.scheduler import Scheduler
from dagbook.runner.core.values import Value
from tests.core.brute_force import BruteForce, TooLarge
from tests.core.pipelines import flows
from tests.core.world import NONE, World


def grid(title: str, values: int, *after: str, **more: object) -> Node:
    """A node that runs `values` times for each choice of its parents' runs."""
    return Node(title=title, after=after, grid={"x": list(range(values))} if values > 1 else {}, **more)  # type: ignore[arg-type]


def begun(*nodes: Node, jobs: int = 99) -> Scheduler:
    """A scheduler for these nodes that has been told to begin."""
    scheduler = Scheduler(Pipeline(nodes=nodes), jobs)
    scheduler.handle(Begin())
    return scheduler


def end(scheduler: Scheduler, id: str, state: State = State.SUCCEEDED, **tags: Value) -> list[str]:
    """End the attempt of a node run; returns the ids of those that start for it."""
    for name, value in tags.items():
        scheduler.handle(Tagged(id, name, value))
    attempt = scheduler.run.node_runs[id].attempt
    actions = scheduler.handle(AttemptEnded(id, attempt, state)).actions
    return [action.id for action in actions if isinstance(action, Start)]


def run_state(scheduler: Scheduler) -> RunState:
    return scheduler.run.state


def states(scheduler: Scheduler) -> dict[str, State]:
    return {id: run.state for id, run in scheduler.run.node_runs.items()}


def all_end(scheduler: Scheduler, ids: Sequence[str]) -> list[str]:
    """End these node runs and all that start for them; returns all ids in order."""
    done: list[str] = []
    to_do = list(ids)
    while to_do:
        done.append(to_do.pop(0))
        to_do += end(scheduler, done[-1])
    return done


def foreseen(pipeline: Pipeline, seed: int, failing: float = 0.15) -> BruteForce:
    """What brute force finds; the example is dropped when it is too large for that."""
    try:
        return BruteForce(pipeline, seed, failing)
    except TooLarge:
        assume(False)
        raise


# against brute force


@settings(max_examples=300)
@given(flows(), st.integers(0, 999), st.integers(1, 4), st.randoms(use_true_random=False))
def test_the_node_runs_are_those_that_brute_force_finds_in_any_order_of_completion(
    pipeline: Pipeline, seed: int, jobs: int, fate: random.Random
) -> None:
    """Rows 34 to 49: grids, hyper, gathers, singles, conditions, failures; the same states, each run created once."""
    wanted = foreseen(pipeline, seed)
    scheduler, world = Scheduler(pipeline, jobs), World(seed, fate)
    world.begin(scheduler)
    world.play(scheduler)
    keys, runs = world.keys(scheduler), scheduler.run.node_runs
    assert {keys[id]: run.state for id, run in runs.items()} == wanted.states()
    created = [fact.id for fact in world.facts if isinstance(fact, Created)]
    assert len(created) == len(set(created)) == len(set(keys.values())) == len(runs)
    failed = any(state in BROKEN | {State.UPSTREAM_FAILED} for state in wanted.states().values())
    assert scheduler.run.state is (RunState.FAILED if failed else RunState.SUCCEEDED)


@given(flows(), st.integers(0, 999), st.randoms(use_true_random=False))
def test_gathered_runs_come_in_the_order_of_their_places(pipeline: Pipeline, seed: int, fate: random.Random) -> None:
    scheduler, world = Scheduler(pipeline, 9), World(seed, fate)
    world.begin(scheduler)
    world.play(scheduler)
    runs = scheduler.run.node_runs
    for run in runs.values():
        for ids in (*run.created.gathered.values(), *run.created.waited.values()):
            assert list(ids) == sorted(ids, key=lambda id: runs[id].created.coordinates)


@given(flows(), st.integers(0, 999), st.integers(1, 4), st.randoms(use_true_random=False))
def test_a_node_run_is_created_as_soon_as_the_runs_that_it_needs_are_decided(
    pipeline: Pipeline, seed: int, jobs: int, fate: random.Random
) -> None:
    """Row 38. Only what compares, gathers, or lacks a tested parent waits for runs that are not its own parents."""
    scheduler, world = Scheduler(pipeline, jobs), World(seed, fate)
    created_at, decided_at = _moments(scheduler, world)
    settled_at: dict[str, int] = {}
    graph = graph_of(pipeline)
    for title in in_order(graph):
        own = [decided_at[id] for id, run in scheduler.run.node_runs.items() if run.node == title]
        settled_at[title] = max([*own, *(settled_at[parent] for parent in graph[title])])
    keys = world.keys(scheduler)
    for id, run in scheduler.run.node_runs.items():
        waited_for = _settled_before(pipeline, run.created)
        latest = [*(decided_at[other] for other in run.created.before()), *(settled_at[title] for title in waited_for)]
        if graph[run.node] and not keys[id].endswith(NONE):
            assert created_at[id] <= max(latest), id


def _moments(scheduler: Scheduler, world: World) -> tuple[dict[str, int], dict[str, int]]:
    """Play; when each node run was created, and when its fate was decided, counted in events."""
    created_at: dict[str, int] = {}
    decided_at: dict[str, int] = {}
    world.begin(scheduler)
    while True:
        now = len(world.told)
        for fact in world.facts:
            if isinstance(fact, Created):
                created_at[fact.id] = now
            if (id := getattr(fact, "id", None)) is not None:
                decided_at[id] = now  # the last that is heard of it
        world.facts.clear()
        if not world.pending:
            return created_at, decided_at
        world.step(scheduler)


def _settled_before(pipeline: Pipeline, created: Created) -> set[str]:
    """The parents of which no more runs may come before this node run can be."""
    node, known = pipeline.node(created.node), count(pipeline).by_node
    tested = {title for one in node.when for title in one.tasks or node.after}
    compared = {title for one in node.when if one.objective in COMPARING for title in one.tasks or node.after}
    closed = set(node.after if node.single else node.gather)
    lacks = tested - closed - set(created.parents)
    unknown = any(known[title] is None for title in closed) or bool(node.when)
    return compared | (closed if unknown else set()) | (tested if lacks else set())


# the seeds' examples


@pytest.mark.parametrize(
    ("nodes", "node_runs", "routes"),
    [
        pytest.param([grid("a", 3), grid("b", 3, "a")], 3 + 9, 9, id="row 36: 3 then 3"),
        pytest.param([grid("a", 2), grid("b", 3), grid("c", 5, "a", "b")], 2 + 3 + 30, 30, id="row 37: 2*3*5"),
        pytest.param([grid("a", 2), grid("b", 3), grid("c", 1, "a", "b", single=True)], 6, 6, id="row 43: 2+3+1"),
        pytest.param([grid("a", 2), grid("b", 3), grid("c", 5, "a", "b", single=True)], 10, 10, id="row 43: 2+3+5"),
        pytest.param([grid("a", 2), grid("b", 1, "a"), grid("c", 1, "a"), grid("d", 1, "b", "c")], 8, 2, id="diamond"),
        pytest.param([grid("a", 1), grid("b", 1), grid("c", 1, "a", "b")], 3, 1, id="row 39: no grid, one route"),
    ],
)
def test_the_seeds_counts_are_those_of_a_run(nodes: list[Node], node_runs: int, routes: int) -> None:
    """Rows 35, 36, 37, 39, 43."""
    scheduler = begun(*nodes)
    done = all_end(scheduler, list(scheduler.run.node_runs))
    assert len(done) == len(set(done)) == node_runs
    counted = count(Pipeline(nodes=tuple(nodes)))
    assert (counted.node_runs, counted.routes) == (node_runs, routes)
    carried_on = {id for run in scheduler.run.node_runs.values() for id in run.created.parents.values()}
    assert len(set(done) - carried_on) == routes
    assert scheduler.run.state is RunState.SUCCEEDED


def test_row_40_a_hyper_parameter_gives_one_run_for_each_value_in_the_tag() -> None:
    """Rows 29, 40: "1,2,3" gives three, and what comes after them three as well."""
    nodes = (Node(title="a"), Node(title="b", after=("a",), params={"route": "{{ a.route | hyper }}"}))
    scheduler = begun(*nodes, Node(title="c", after=("b",)))
    assert end(scheduler, "a", route="1,2,3") == ["b#1", "b#2", "b#3"]
    assert [scheduler.run.node_runs[f"b#{n}"].created.params for n in (1, 2, 3)] == [{"route": n} for n in (1, 2, 3)]
    assert end(scheduler, "b#2") == ["c#2"]


def test_P8_equal_values_in_a_hyper_tag_are_runs_of_their_own() -> None:
    scheduler = begun(Node(title="a"), Node(title="b", after=("a",), params={"r": "{{ a.r | hyper }}"}))
    assert end(scheduler, "a", r="1,1") == ["b#1", "b#2"]


def test_P8_an_empty_hyper_tag_skips_the_node_and_what_comes_after_it_and_the_run_succeeds() -> None:
    nodes = (Node(title="a"), Node(title="b", after=("a",), params={"r": "{{ a.r | hyper }}"}))
    scheduler = begun(*nodes, Node(title="c", after=("b",)))
    assert end(scheduler, "a", r="") == []
    assert states(scheduler) == {"a": State.SUCCEEDED, "b": State.SKIPPED, "c": State.SKIPPED}
    assert "the tag is empty" in scheduler.run.node_runs["b"].reason
    assert scheduler.run.state is RunState.SUCCEEDED


def test_P8_a_hyper_tag_of_more_values_than_may_run_fails_that_node_run_and_says_how_to_allow_it() -> None:
    nodes = (Node(title="a"), Node(title="b", after=("a",), params={"r": "{{ a.r | hyper }}"}))
    scheduler = Scheduler(Pipeline(nodes=nodes), 2, max_runs=100)
    scheduler.handle(Begin())
    assert end(scheduler, "a", r=",".join(map(str, range(100_000)))) == []
    (failed,) = [run for run in scheduler.run.node_runs.values() if run.node == "b"]
    assert failed.state is State.FAILED
    assert "--max-runs" in failed.reason


def too_many(max_runs: int, *more: Node, tag: str = "{{ b.r }}") -> Scheduler:
    """A run to its end: two nodes run for 60 values each, and "d" for all 3,600 pairs, if it may."""
    values = {"r": "{{ a.r | hyper }}"}
    nodes = (Node(title="a"), *(Node(title=title, after=("a",), params=values) for title in "bc"))
    last = Node(title="d", after=("b", "c"), params={"p": tag})
    scheduler = Scheduler(Pipeline(nodes=(*nodes, last, *more)), 999, max_runs=max_runs)
    scheduler.handle(Begin())
    all_end(scheduler, end(scheduler, "a", r=",".join(map(str, range(60)))))
    return scheduler


def counts(scheduler: Scheduler) -> Counter[tuple[str, State]]:
    return Counter((run.node, run.state) for run in scheduler.run.node_runs.values())


def test_P8_the_node_run_with_which_they_become_too_many_fails_and_its_node_gets_no_more() -> None:
    """200 node runs may be: 1 + 60 + 60 + 79, and the one that fails; the nodes after it are told of once each."""
    gate = (Condition(objective=Objective.GT, tag="m", target=1),)
    after = (Node(title="e", after=("d",)), Node(title="all", after=("d",), gather=("d",)))
    scheduler = too_many(200, *after, Node(title="if", after=("d",), when=gate), Node(title="last", after=("e",)))
    found = counts(scheduler)
    assert found[("d", State.SUCCEEDED)] == 79
    assert {one: runs for one, runs in found.items() if one[1] is not State.SUCCEEDED} == {
        ("d", State.FAILED): 1,
        ("e", State.UPSTREAM_FAILED): 1,
        ("all", State.UPSTREAM_FAILED): 1,
        ("if", State.SKIPPED): 1,
        ("last", State.UPSTREAM_FAILED): 1,
    }
    (failed,) = [run for run in scheduler.run.node_runs.values() if run.state is State.FAILED]
    assert all(one in failed.reason for one in ["E-GRID-SIZE", "more than 200", '"d" gets no more', "--max-runs"])
    assert scheduler.run.state is RunState.FAILED


def test_P8_node_runs_that_fail_as_they_come_to_be_count_too() -> None:
    scheduler = too_many(200, tag="{{ b.nope }}")
    failed = [run for run in scheduler.run.node_runs.values() if run.state is State.FAILED]
    assert [run.node for run in failed] == ["d"] * 80
    assert ["E-REF-TAG" in run.reason for run in failed] == [True] * 79 + [False]
    assert "E-GRID-SIZE" in failed[-1].reason


def test_P8_choices_beyond_the_limit_are_not_even_looked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Choice] = []
    births = Expansion._births

    def counted(self: Expansion, title: str, choice: Choice) -> Iterator[Birth]:
        asked.append(choice)
        return births(self, title, choice)

    monkeypatch.setattr(Expansion, "_births", counted)
    scheduler = too_many(200)
    assert len(asked) == 1 + 1 + 1 + 80
    assert len(scheduler.run.node_runs) == 201


@given(flows(), st.integers(0, 999), st.integers(1, 12), st.randoms(use_true_random=False))
def test_P8_a_run_with_too_many_node_runs_ends_with_one_more_of_each_node_at_most(
    pipeline: Pipeline, seed: int, max_runs: int, fate: random.Random
) -> None:
    scheduler, world = Scheduler(pipeline, 3, max_runs=max_runs), World(seed, fate)
    world.begin(scheduler)
    world.play(scheduler)
    runs = scheduler.run.node_runs
    created = [fact.id for fact in world.facts if isinstance(fact, Created)]
    assert len(created) == len(set(created)) == len(runs) <= max_runs + len(pipeline.nodes)
    assert {run.node for run in runs.values()} == {node.title for node in pipeline.nodes}
    full = [run.node for run in runs.values() if "E-GRID-SIZE" in run.reason]
    assert len(full) == len(set(full))
    assert scheduler.run.state in (RunState.FAILED, RunState.SUCCEEDED)


def test_row_38_values_found_on_one_route_start_there_while_the_other_route_is_still_busy() -> None:
    nodes = (grid("a", 2), Node(title="b", after=("a",), params={"r": "{{ a.r | hyper }}"}))
    scheduler = begun(*nodes, Node(title="all", after=("b",), gather=("b",)))
    assert end(scheduler, "a#2", r="u,v") == ["b#2.1", "b#2.2"]
    assert end(scheduler, "b#2.1") == end(scheduler, "b#2.2") == []
    assert end(scheduler, "a#1", r="w") == ["b#1.1"]
    assert end(scheduler, "b#1.1") == ["all"]
    assert scheduler.run.node_runs["all"].created.gathered == {"b": ("b#1.1", "b#2.1", "b#2.2")}


def test_rows_41_42_a_single_node_waits_for_all_and_is_handed_nothing() -> None:
    scheduler = begun(grid("a", 2), grid("b", 2, "a", single=True))
    assert end(scheduler, "a#2") == []
    assert end(scheduler, "a#1") == ["b#1", "b#2"]
    created = scheduler.run.node_runs["b#1"].created
    assert (created.parents, created.gathered, created.waited) == ({}, {}, {"a": ("a#1", "a#2")})


def test_a_route_without_a_run_of_a_gathered_parent_is_not_run() -> None:
    """The parent was skipped there, as with an edge that does not gather."""
    when = (Condition(objective=Objective.GT, tag="m", target=1),)
    scheduler = begun(
        grid("g", 2), Node(title="p", after=("g",), when=when), Node(title="n", after=("g", "p"), gather=("p",))
    )
    assert end(scheduler, "g#1", m=2) == ["p#1"]
    assert end(scheduler, "g#2", m=1) == []
    assert end(scheduler, "p#1") == ["n#1"]
    assert [id for id in scheduler.run.node_runs if id.startswith("n")] == ["n#1"]


# references on a route


def test_row_28_a_reference_takes_the_tag_of_the_run_on_its_own_route() -> None:
    nodes = (grid("Task A", 2), Node(title="b", after=("Task A",)))
    last = Node(title="c", after=("b",), params={"p": "{{ Task A.model accuracy }}", "text": "at {{ Task A.x }}!"})
    scheduler = begun(*nodes, last)
    for id, value in [("task_a#1", 0.5), ("task_a#2", 0.75)]:
        scheduler.handle(Tagged(id, "model accuracy", value))
        end(scheduler, id)
    assert end(scheduler, "b#2") == ["c#2"]
    assert scheduler.run.node_runs["c#2"].created.params == {"p": 0.75, "text": "at 1!"}


def test_a_reference_means_the_run_on_the_route_though_an_edge_that_gathers_leads_to_all_of_them() -> None:
    nodes = (grid("g", 2), Node(title="all", after=("g",), gather=("g",)))
    scheduler = begun(*nodes, Node(title="c", after=("g", "all"), params={"p": "{{ g.m }}"}))
    end(scheduler, "g#1", m=1)
    end(scheduler, "g#2", m=2)
    assert end(scheduler, "all") == ["c#1", "c#2"]
    assert [scheduler.run.node_runs[id].created.params for id in ("c#1", "c#2")] == [{"p": 1}, {"p": 2}]


@pytest.mark.parametrize(
    ("reference", "said"),
    [
        pytest.param(
            "{{ a.acuracy }}", ['"a" (a#1) logged no tag "acuracy"', "E-REF-TAG", '"accuracy"'], id="P-7 typo"
        ),
        pytest.param("{{ all.x }}", ["logged no tag", "E-REF-TAG", "It logged none."], id="P-7 none"),
        pytest.param("{{ far.accuracy }}", ['"far" has 2 runs here', "E-REF-MANY"], id="P-7 several runs"),
    ],
)
def test_P7_a_reference_that_cannot_be_filled_fails_that_node_run_and_says_why(reference: str, said: list[str]) -> None:
    nodes = (grid("far", 2), Node(title="all", after=("far",), gather=("far",)), grid("a", 2))
    scheduler = begun(*nodes, Node(title="c", after=("a", "all"), params={"p": reference}))
    for id in ("far#1", "far#2", "a#1"):
        end(scheduler, id, accuracy=1)
    end(scheduler, "all")
    run = scheduler.run.node_runs["c#1"]
    assert run.state is State.FAILED
    assert all(one in run.reason for one in said)


@pytest.mark.parametrize("text", ["{{ a.m }}", "{{ a.m | hyper }}"])
@pytest.mark.parametrize("tags", [{}, {"m": ""}, {"m": "1,2"}])
def test_a_node_that_refers_to_a_failed_run_failed_upstream_whatever_that_logged(
    text: str, tags: dict[str, Value]
) -> None:
    scheduler = begun(Node(title="a"), Node(title="b", after=("a",), params={"p": text}))
    end(scheduler, "a", State.FAILED, **tags)
    (run,) = [run for run in scheduler.run.node_runs.values() if run.node == "b"]
    assert (run.state, run.reason) == (State.UPSTREAM_FAILED, '"a" failed')


def test_where_a_failed_node_may_be_missing_a_reference_to_it_cannot_be_filled() -> None:
    rule = OnError.CONTINUE
    scheduler = begun(Node(title="a", on_error=rule), Node(title="b", after=("a",), params={"p": "{{ a.m }}"}))
    end(scheduler, "a", State.FAILED, m=1)
    assert states(scheduler)["b"] is State.FAILED
    assert "It failed." in scheduler.run.node_runs["b"].reason
