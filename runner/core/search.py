"""The executions of a search: which parameters each of them has.

Rules: docs/formats.md.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping
from decimal import Decimal
from random import Random

from .dialect import Rule, Search, SearchKind, Style
from .errors import PipelineError, Problem, problem
from .values import Value

MOST_EXECUTIONS = 10_000

_RANDOM = (SearchKind.RANDOM, SearchKind.BAYESIAN)
_EXACT = 10**15  # below it a whole number is shown as one


def executions_of(search: Search, fixed: Mapping[str, Value]) -> list[dict[str, Value]]:
    """The parameters of each execution: `fixed`, and what the search varies. The same for the same search, always.

    A grid goes through all combinations, the last rule changing fastest; a manual search takes its sets, or the
    first value of each rule, then the second, and so on; random ones are drawn, and a Bayesian one is drawn likewise.
    Raises PipelineError (E-GRID-SIZE for more than 10,000, E-RANGE for a rule that gives nothing).
    """
    return [{**fixed, **varied} for varied in _varied(search)]


def execution_count(search: Search) -> int:
    """How many executions there are, without making them. Raises PipelineError as `executions_of`."""
    if search.kind is SearchKind.MANUAL:
        longest = max((_size(name, rule) for name, rule in search.rules.items()), default=1)
        count = len(search.sets) or longest
    elif search.kind in _RANDOM and search.count is not None:
        count = search.count
    else:
        count = math.prod(_size(name, rule) for name, rule in search.rules.items())
    if count > MOST_EXECUTIONS:
        raise PipelineError(_too_many(search, count))
    return count


def _too_many(search: Search, count: int) -> Problem:
    product = " * ".join(f"{_size(name, rule):,} ({name})" for name, rule in search.rules.items())
    return problem("E-GRID-SIZE", count=count, limit=MOST_EXECUTIONS, product=product or f"{count:,} executions")


def _varied(search: Search) -> Iterator[dict[str, Value]]:
    count = execution_count(search)
    if search.kind is SearchKind.MANUAL and search.sets:
        yield from (dict(one) for one in search.sets)
        return
    if search.kind in _RANDOM:
        draws = {name: _draws(name, rule, count) for name, rule in search.rules.items()}
        yield from ({name: drawn[number] for name, drawn in draws.items()} for number in range(count))
        return
    values = {name: values_of(name, rule) for name, rule in search.rules.items()}
    if search.kind is SearchKind.MANUAL:
        for number in range(count):  # a rule with fewer values keeps its last one
            yield {name: given[min(number, len(given) - 1)] for name, given in values.items()}
        return
    for row in itertools.product(*values.values()):
        yield dict(zip(values, row, strict=True))


def values_of(name: str, rule: Rule) -> list[Value]:
    """The values of one rule, in order. Raises PipelineError (E-RANGE, E-GRID-SIZE)."""
    size = _size(name, rule)
    if size > MOST_EXECUTIONS:
        raise PipelineError(_too_many(Search(rules={name: rule}), size))
    if rule.style is Style.SINGLE:
        return [rule.value]
    if rule.style is Style.MULTIPLE:
        return list(rule.items)
    if rule.style is Style.LINEAR:
        start, step = Decimal(repr(rule.start or 0.0)), Decimal(repr(rule.step or 1.0))
        return [_number(float(start + number * step), rule) for number in range(size)]
    if rule.style is Style.LOGSPACE:
        return [_power(name, rule, number, size) for number in range(size)]
    return _draws(name, rule, size)


def _size(name: str, rule: Rule) -> int:
    """How many values a rule gives; at least one. Raises PipelineError (E-RANGE)."""
    if rule.style is Style.SINGLE:
        return 1
    if rule.style is Style.MULTIPLE:
        if not rule.items:
            raise _fault(name, "has no items", "List at least one value.")
        return len(rule.items)
    if rule.style is Style.LINEAR:
        return _steps(name, rule)
    return rule.count or 1


def _steps(name: str, rule: Rule) -> int:
    """The number of values of a linear rule: from start to end, both counted in, where the steps meet it."""
    start, end, step = (value or 0.0 for value in (rule.start, rule.end, rule.step))
    if not all(map(math.isfinite, (start, end, step))):
        raise _fault(name, "goes to infinity", "Give finite numbers.")
    if start == end:
        return 1
    if step == 0 or (end > start) != (step > 0):
        raise _fault(name, f"does not come from {start:g} to {end:g} in steps of {step:g}", "Turn the step round.")
    return int((Decimal(repr(end)) - Decimal(repr(start))) / Decimal(repr(step))) + 1


def _power(name: str, rule: Rule, number: int, size: int) -> Value:
    """One value of a logarithmic rule, whose ends are exponents; some documents call them min and max."""
    first, last = _ends(rule)
    exponent = first if size == 1 else first + number * (last - first) / (size - 1)
    if rule.base <= 0:
        raise _fault(name, f"has the base {rule.base:g}", "Take one above 0, such as 10.")
    try:
        return _number(rule.base**exponent, rule)
    except OverflowError:
        hint = "start and end are exponents: -3 stands for 0.001."
        raise _fault(name, f"takes {rule.base:g} to the power of {exponent:g}", hint) from None


def _ends(rule: Rule) -> tuple[float, float]:
    first = rule.start if rule.start is not None else rule.min
    last = rule.end if rule.end is not None else rule.max
    return first or 0.0, last if last is not None else first or 0.0


def _draws(name: str, rule: Rule, count: int) -> list[Value]:
    """`count` values drawn from a rule, by its seed, or else by its name."""
    random = Random(f"{rule.seed}:{name}")
    if rule.style is not Style.RANDOM:
        values = values_of(name, rule)
        return [random.choice(values) for _ in range(count)]
    low, high = rule.min or 0.0, rule.max if rule.max is not None else 1.0
    if not (math.isfinite(low) and math.isfinite(high) and low <= high):
        raise _fault(name, f"has no numbers between {low:g} and {high:g}", "Let min be the smaller one.")
    if rule.integerify:
        if math.ceil(low) > math.floor(high):
            raise _fault(name, f"has no whole numbers between {low:g} and {high:g}", "Move min and max apart.")
        return [random.randint(math.ceil(low), math.floor(high)) for _ in range(count)]
    return [random.uniform(low, high) for _ in range(count)]


def _number(value: float, rule: Rule) -> int | float:
    """The value as a whole number where it is one, or is to be."""
    if not math.isfinite(value):
        raise OverflowError
    whole = rule.integerify or (value.is_integer() and abs(value) < _EXACT)
    return round(value) if whole else value


def _fault(name: str, what: str, hint: str) -> PipelineError:
    return PipelineError(problem("E-RANGE", where=f'the rule of "{name}"', what=what, hint=hint))
