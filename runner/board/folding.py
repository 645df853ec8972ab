"""A picture of many nodes with few cards: chains and ranks of nodes, drawn as one card each."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Sequence

from .cards import aggregate
from .layout import Edge, ranks_of
from .scene import Card, Form

MOST_CARDS = 300  # that are drawn unless all are asked for


def summarised(cards: Sequence[Card], edges: Sequence[Edge], opened: Collection[str]) -> tuple[list[Card], list[Edge]]:
    """The cards with chains, and where that is not enough parts of ranks, as one card each; and the edges between them.

    At most MOST_CARDS, besides what `opened` (keys of cards) asks to see: such a card is replaced by its members.
    """
    tops = [card for card in cards if not card.inside]
    if len(tops) <= MOST_CARDS:
        return list(cards), list(edges)
    keys = [card.key for card in tops]
    groups = _chains(keys, edges)
    if len(groups) > MOST_CARDS:
        groups = _blocks(keys, edges)
    by_key = {card.key: card for card in tops}
    home: dict[str, str] = {}
    found: list[Card] = []
    for group in groups:
        summary = _summary([by_key[key] for key in group])
        if len(group) == 1 or summary.key in opened or any(key in opened for key in group):
            home |= {key: key for key in group}
            found += [card for key in group for card in _with_inside(by_key[key], cards)]
        else:
            home |= dict.fromkeys(group, summary.key)
            found.append(summary)
    moved = ((home[source], home[target]) for source, target in edges)
    return found, list(dict.fromkeys((one, other) for one, other in moved if one != other))


def _with_inside(card: Card, cards: Sequence[Card]) -> list[Card]:
    return [card] if card.form is not Form.OPENED else [card, *(one for one in cards if one.inside == card.key)]


def _neighbours(keys: Sequence[str], edges: Sequence[Edge]) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    before: dict[str, list[str]] = {key: [] for key in keys}
    after: dict[str, list[str]] = {key: [] for key in keys}
    for source, target in edges:
        before[target].append(source)
        after[source].append(target)
    return before, after


def _chains(keys: Sequence[str], edges: Sequence[Edge]) -> list[list[str]]:
    """The keys in chains: each but the last has one follower, which follows nothing else."""
    before, after = _neighbours(keys, edges)

    def continues(key: str) -> bool:
        return len(before[key]) == 1 and len(after[before[key][0]]) == 1

    found = []
    for key in keys:
        if continues(key):
            continue
        chain = [key]
        while len(after[chain[-1]]) == 1 and continues(after[chain[-1]][0]):
            chain.append(after[chain[-1]][0])
        found.append(chain)
    return found


def _blocks(keys: Sequence[str], edges: Sequence[Edge]) -> list[list[str]]:
    """The keys of a rank in blocks as even as can be; of more ranks than cards, whole ranks together.

    Within a rank there are no edges, and between blocks of ranks they lead one way: no cycle can come of it.
    """
    ranks = ranks_of(keys, edges)
    rows: dict[int, list[str]] = {}
    for key in keys:
        rows.setdefault(ranks[key], []).append(key)
    together = -(-len(rows) // MOST_CARDS)
    if together > 1 or len(rows) == MOST_CARDS:
        numbers = sorted(rows)
        return [
            [key for number in numbers[at : at + together] for key in rows[number]]
            for at in range(0, len(numbers), together)
        ]
    found = []
    for number in sorted(rows):
        row = rows[number]
        blocks = max(1, (MOST_CARDS - len(rows)) * len(row) // len(keys))
        bounds = [len(row) * at // blocks for at in range(blocks + 1)]
        found += [row[low:high] for low, high in itertools.pairwise(bounds) if low < high]
    return found


def _summary(members: Sequence[Card]) -> Card:
    """One card for many: its key is that of its first and their number, so that it stays the same while they run."""
    first, last = members[0], members[-1]
    states = tuple(state for card in members for state in (card.states or ((card.state,) if card.state else ())))
    return Card(
        key=f"{first.key}+{len(members) - 1}",
        node=first.node,
        title=f"{first.title} … {last.title}" if len(members) > 1 else first.title,
        form=Form.SUMMARY,
        kind="summary",
        state=aggregate(states),
        line=next((f"{card.title}: {card.wrong}" for card in members if card.wrong), f"{len(members)} nodes"),
        count=f"×{len(members)}",
        states=states,
        asks=any(card.asks for card in members),
        wrong=next((card.wrong for card in members if card.wrong), ""),
    )
