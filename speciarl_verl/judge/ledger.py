"""What the judging of a run cost: counted where it happens, added up over processes, shown in the log and as JSON."""

import json
import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields

from speciarl_verl.judge.protocol import Source
from speciarl_verl.judge.suspicion import Suspicion, suspicions
from speciarl_verl.method.category import Category

_STEP = math.log(1.02)
"""Latencies are kept in classes 2% wide, so that the percentiles of several processes can be told from their sum."""


@dataclass(frozen=True)
class Account:
    """The sum so far.

    Attributes:
        decided: pairs by who decided; a coalesced one waited for the same pair asked by another.
        failed: pairs that got no verdict.
        sent: answers asked of the server; `retries` are further attempts at them, `off_menu` the useless answers.
        cache_errors: answers that could not be read from or written to the cache.
        prompt_tokens: of all answers, `cached_prompt_tokens` of them out of the server's prefix cache where it tells.
        probed: pairs of the fast path that the judge was asked about as well, and `probe_agreed` where it agreed.
        votes: pairs decided by several calls, and `agreement` the sum of the majorities' shares.
        audited: verdicts on which a second opinion was had, by both categories; `audit_failed` got none.
        audit_tolerance: share of disagreements that is no fault; 0 without an audit.
        latencies: answers by the class of their time, retries and waits included; see `latency_s`.
    """

    decided: Mapping[Source, int] = field(default_factory=dict)
    failed: int = 0
    sent: int = 0
    retries: int = 0
    off_menu: int = 0
    cache_errors: int = 0
    prompt_tokens: int = 0
    cached_prompt_tokens: int = 0
    completion_tokens: int = 0
    probed: int = 0
    probe_agreed: int = 0
    votes: int = 0
    agreement: float = 0.0
    audited: Mapping[tuple[Category, Category], int] = field(default_factory=dict)
    audit_failed: int = 0
    audit_tolerance: float = 0.0
    latencies: Mapping[int, int] = field(default_factory=dict)

    @property
    def asked(self) -> int:
        """Pairs in all: every one was decided or failed."""
        return sum(self.decided.values()) + self.failed

    def latency_s(self, quantile: float) -> float | None:
        """Seconds within which that share of the answers came, to 2%; None before the first."""
        rank = quantile * sum(self.latencies.values())
        seen = 0
        for step in sorted(self.latencies):
            seen += self.latencies[step]
            if seen >= rank:
                return math.exp((step + 0.5) * _STEP)
        return None

    def since(self, earlier: "Account") -> "Account":
        """What was counted after an earlier state of the same account."""
        counts = {name: getattr(self, name) - getattr(earlier, name) for name in _SUMS}
        return Account(
            decided=Counter(self.decided) - Counter(earlier.decided),
            latencies=Counter(self.latencies) - Counter(earlier.latencies),
            **counts,
        )

    def figures(self) -> dict[str, float]:
        """Plain numbers for a report or a tracker; what nothing is known of is left out."""
        figures: dict[str, float] = {"asked": self.asked}
        figures |= {source.name.lower(): self.decided.get(source, 0) for source in Source}
        figures |= {name: getattr(self, name) for name in _COUNTS}
        if self.votes:
            figures |= {"votes": self.votes, "agreement": self.agreement / self.votes}
        if self.probed:
            figures |= {"probed": self.probed, "fast_path_agreement": self.probe_agreed / self.probed}
        if self.audit_tolerance:
            figures |= {"audited": sum(self.audited.values()), "audit_failed": self.audit_failed}
            figures |= self._audit_agreement() if self.audited else {}
            figures["audit_suspected"] = len(self.suspicions())
        for percent in (50, 95, 99):
            latency = self.latency_s(percent / 100)
            if latency is not None:
                figures[f"latency_p{percent}_s"] = round(latency, 4)
        return figures

    def suspicions(self) -> list[Suspicion]:
        """What the second opinions hold against the judge."""
        return suspicions(self.audited, self.audit_tolerance) if self.audit_tolerance else []

    def _audit_agreement(self) -> dict[str, float]:
        """Share of the audited verdicts that the second opinion shares, in all and by the category that was given."""
        agreement = {"audit_agreement": _agreement(self.audited)}
        for category in sorted({first for first, _ in self.audited}):
            part = {pair: count for pair, count in self.audited.items() if pair[0] is category}
            agreement[f"audit_agreement_{category.symbol}"] = _agreement(part)
        return agreement

    def _audit_lines(self) -> list[str]:
        shares = self._audit_agreement()
        parts = ", ".join(f"{name.removeprefix('audit_agreement_')} {share:.1%}" for name, share in shares.items())
        audited = sum(self.audited.values())
        told = f"audit: {audited} verdicts asked again, {self.audit_failed} failed; agreement "
        suspected = [f"audit: {suspicion}" for suspicion in self.suspicions()]
        return [told + parts.replace("audit_agreement", "in all", 1), *suspected]

    def lines(self) -> list[str]:
        """For people: pairs, requests, tokens and times."""
        figures = self.figures()
        pairs = ", ".join(f"{self.decided[source]} {source.value}" for source in Source if self.decided.get(source))
        lines = [f"pairs: {self.asked} asked; {pairs or 'none decided'}; {self.failed} failed"]
        if self.sent:
            lines.append(
                f"requests: {self.sent} sent, {self.retries} retries, {self.off_menu} off the menu, "
                f"{self.cache_errors} cache errors"
            )
            lines.append(
                f"tokens: {self.prompt_tokens} prompt ({self.cached_prompt_tokens} from the server's prefix cache), "
                f"{self.completion_tokens} completion"
            )
        if self.latencies:
            lines.append(" ".join(["seconds:", *(f"p{p} {figures[f'latency_p{p}_s']:.3f}" for p in (50, 95, 99))]))
        if self.votes:
            lines.append(f"votes: {self.votes} pairs, mean agreement {self.agreement / self.votes:.3f}")
        if self.audited:
            lines += self._audit_lines()
        return lines

    def to_json(self) -> str:
        """Everything, for `from_json`."""
        plain = {entry.name: getattr(self, entry.name) for entry in fields(self)}
        plain["decided"] = {source.value: count for source, count in self.decided.items()}
        plain["audited"] = [[int(first), int(second), count] for (first, second), count in self.audited.items()]
        return json.dumps(plain)

    @classmethod
    def from_json(cls, text: str) -> "Account":
        """Read what `to_json` wrote."""
        plain = json.loads(text)
        plain["decided"] = {Source(source): count for source, count in plain["decided"].items()}
        plain["audited"] = {(Category(one), Category(two)): count for one, two, count in plain.get("audited", ())}
        plain["latencies"] = {int(step): count for step, count in plain["latencies"].items()}
        return cls(**plain)

    @classmethod
    def total(cls, accounts: Iterable["Account"]) -> "Account":
        """The sum over processes or steps."""
        ledger = Ledger()
        for account in accounts:
            ledger.add(account)
        return ledger.account()


_COUNTS = (
    "failed",
    "sent",
    "retries",
    "off_menu",
    "cache_errors",
    "prompt_tokens",
    "cached_prompt_tokens",
    "completion_tokens",
)
_SUMS = (*_COUNTS, "votes", "agreement", "probed", "probe_agreed", "audit_failed")


def _agreement(opinions: Mapping[tuple[Category, Category], int]) -> float:
    return sum(count for (one, two), count in opinions.items() if one is two) / sum(opinions.values())


class Ledger:
    """Where one process counts. Only ever written to by the judge; read through `account`."""

    def __init__(self) -> None:
        self.decided: Counter[Source] = Counter()
        self.failed = 0
        self.sent = 0
        self.retries = 0
        self.off_menu = 0
        self.cache_errors = 0
        self.prompt_tokens = 0
        self.cached_prompt_tokens = 0
        self.completion_tokens = 0
        self.probed = 0
        self.probe_agreed = 0
        self.votes = 0
        self.agreement = 0.0
        self.audited: Counter[tuple[Category, Category]] = Counter()
        self.audit_failed = 0
        self.audit_tolerance: float = 0.0
        self.latencies: Counter[int] = Counter()

    def answered(self, seconds: float) -> None:
        """An answer came, so long after it was first asked for."""
        self.latencies[math.floor(math.log(max(seconds, 1e-6)) / _STEP)] += 1

    def add(self, account: Account) -> None:
        """Take over what another ledger counted."""
        self.decided.update(account.decided)
        self.latencies.update(account.latencies)
        self.audited.update(account.audited)
        self.audit_tolerance = max(self.audit_tolerance, account.audit_tolerance)
        for name in _SUMS:
            setattr(self, name, getattr(self, name) + getattr(account, name))

    def account(self) -> Account:
        """The sum so far, which later counting does not change."""
        counts = {name: getattr(self, name) for name in _SUMS}
        return Account(
            decided=dict(self.decided),
            latencies=dict(self.latencies),
            audited=dict(self.audited),
            audit_tolerance=self.audit_tolerance,
            **counts,
        )
