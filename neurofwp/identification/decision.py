"""The answer to "which rule did these synapses run?": a rule, a class of them, none, or what else can be said.

Definitions, with u the unexplained share of what repeats on increments, and A the rules that are not worse than the
best one (`neurofwp.identification.confidence_set`); where answers were seen in place of weights, u is of them:

- none: the lower 95 % limit of u of the best rule is above .05.
- fit established: u is at most .01, and its upper limit at most .02. A rule that is named should predict what the
  synapse does under other conditions too, within D = .02 (`neurofwp.identification.transfer.RIGHT`), and there it can
  leave several times more than here.
- one rule: A has one member. class: all pairs in A have D_rs <= .005: nothing in these data tells them apart.
- effective description: the lower limit of u is above .01, and the upper one at most .05. The rules in A are close to
  what the synapse does, and none of them is it.
- mixture: of the two best rules of which neither nests the other, a share of each predicts better than both, and its
  own fit is established.
- undecided: noise leaves open which of these holds, or rules in A predict different weights; or nothing is sure to
  repeat, or less than nothing is unexplained, so that two runs are not independent or a stated noise is too large.
- adequacy unknown: without a repeat and without a stated noise nothing says how much a rule could explain.
"""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from neurofwp.identification import scores
from neurofwp.identification.confidence_set import confidence_set
from neurofwp.identification.mixture import Mixture, mix
from neurofwp.identification.products import Products

NONE = 0.05  # of u, beyond which a rule does not describe the data
EXACT = 0.01  # of u, up to which a rule may be named
ESTABLISHED = 0.02  # of the upper limit of such a u
SAME = 0.005  # of D_rs, within which two rules predict the same weights
NAMED = 5  # rules that a sentence lists; of more it counts the others

Kind = Literal["rule", "class", "effective description", "mixture", "undecided", "none", "adequacy unknown"]


@dataclass(frozen=True)
class Verdict:
    """kind : what the answer is. rules : those that it names, best first. unexplained, low, high : u of the best rule
    and its 95 % interval. sentence : the answer in words. mixture : of the two best rules, where there are two."""

    kind: Kind
    rules: tuple[str, ...]
    unexplained: float
    low: float
    high: float
    sentence: str
    mixture: Mixture | None = None

    def _repr_html_(self) -> str:
        return f"<p><b>{html.escape(self.kind)}</b>: {html.escape(self.sentence)}</p>"

    def names(self, rule: str) -> bool:
        """Whether the verdict says that it may be this rule."""
        return self.kind in ("rule", "class") and rule in self.rules


def decide(products: Products, rules: Sequence[str], nested: Sequence[tuple[str, str]] = (), seed: int = 0) -> Verdict:
    """The verdict on some of the models of `products`.

    Parameters
    ----------
    products : of increments. rules : the models that compete. nested : pairs (outer, inner) of them of which the outer
        rule is the inner one at some values of its parameters.
    """
    count = len(rules)
    rules = [rule for rule in rules if np.isfinite(scores.unexplained(products.choose([rule]))).all()]
    if not rules:
        return Verdict("none", (), np.inf, np.inf, np.inf, f"none of these {count} rules: all diverge where they judge")
    competing = products.choose(rules)
    value = scores.unexplained(competing)
    low, high = scores.interval(competing)
    kept = confidence_set(competing, seed)
    order = [index for index in np.argsort(value) if kept[index]]
    best = int(np.argmin(value))
    left = tuple(rules[index] for index in order)
    apart = scores.distance(competing)[np.ix_(order, order)].max()
    mixture = _mixture(competing, rules, value, nested)
    interval = float(value[best]), float(low[best]), float(high[best])
    doubt = _doubt(competing, left, float(apart), *interval)
    kind = _kind(products.repeated, left, doubt, *interval, mixture)
    return Verdict(kind, left, *interval, _sentence(kind, left, count, doubt, *interval, mixture), mixture)


def _doubt(products: Products, left: tuple[str, ...], apart: float, value: float, low: float, high: float) -> str:
    """Why nothing can be said, in words; empty where something can."""
    repeatable = products.repeatable()
    if len(repeatable) > 1 and not repeatable.mean() - scores.margin(repeatable) > 0:
        return "it is not established that anything repeats"
    if high < -EXACT:
        return "less than nothing is unexplained: the runs are not independent, or the stated noise is too large"
    if (low > EXACT and high <= NONE) or low > NONE:
        return ""
    if not (value <= EXACT and high <= ESTABLISHED):
        return "noise leaves open whether any rule fits"
    if len(left) > 1 and apart > SAME:
        return "the rules that fit predict different weights, and the data do not say which are right"
    return ""


def _kind(
    repeated: bool, left: tuple[str, ...], doubt: str, value: float, low: float, high: float, mixture: Mixture | None
) -> Kind:
    if not repeated:
        return "adequacy unknown"
    if mixture is not None and mixture.holds and mixture.unexplained <= EXACT and mixture.highest <= ESTABLISHED:
        return "mixture"
    if doubt:
        return "undecided"
    if low > EXACT:
        return "none" if low > NONE else "effective description"
    return "rule" if len(left) == 1 else "class"


def _mixture(
    products: Products, rules: Sequence[str], value: np.ndarray, nested: Sequence[tuple[str, str]]
) -> Mixture | None:
    """Of the best rule and the next one that neither nests nor is nested in it."""
    order = [rules[index] for index in np.argsort(value)]
    best = order[0]
    other = [rule for rule in order[1:] if (best, rule) not in nested and (rule, best) not in nested]
    return mix(products, best, other[0]) if other else None


def _sentence(
    kind: Kind,
    left: tuple[str, ...],
    count: int,
    doubt: str,
    value: float,
    low: float,
    high: float,
    mixture: Mixture | None,
) -> str:
    interval = f" (95 % interval {100 * low:.1f} to {_percent(high)})" if low == low else ""  # one episode has none
    limits = f"leaves {_percent(value)} of what repeats unexplained{interval}"
    several = len(left) > 1
    predicts = f"{'the best of them' if several else 'it'} {limits}{_rejected(count - len(left))}"
    match kind:
        case "none":
            return f"none of these {count} rules: the best, {_words(left[:1])}, {limits}"
        case "mixture":
            assert mixture is not None
            return (
                f"between {_word(mixture.first)} and {_word(mixture.second)}: a share of {mixture.share:.2f} "
                f"({mixture.low:.2f} to {mixture.high:.2f}) of the first predicts best, and leaves "
                f"{_percent(mixture.unexplained)} of what repeats unexplained"
            )
        case "rule" | "class":
            return f"{_words(left)}{', which predict the same' if several else ''}: {predicts}"
        case "effective description":
            return f"{_words(left)}, an effective description and no more: {predicts}"
        case "undecided":
            remain = f"{len(left)} rules remain, {_words(left, 'and')}" if several else f"{_words(left)} is the best"
            return f"undecided: {doubt}; {remain}; {predicts}"
    best = f"{_words(left)} predict{'' if several else 's'} best"
    return f"how well rules fit is unknown without a repeat or a stated noise; {best}{_rejected(count - len(left))}"


def _rejected(count: int) -> str:
    return f"; {count} other rules are rejected" if count > 1 else "; one other rule is rejected" if count else ""


def _words(rules: Sequence[str], last: str = "or") -> str:
    """A handful of rules by name, and how many others there are."""
    names = [_word(rule) for rule in rules]
    if len(names) > NAMED:
        names = [*names[: NAMED - 1], f"{len(names) - NAMED + 1} others"]
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} {last} {names[-1]}"


def _word(rule: str) -> str:
    return rule.replace("_", " ")


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"
