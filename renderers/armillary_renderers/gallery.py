"""Definitions that together show every step kind: for the gallery, the golden pictures and the benchmarks."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from armillary_engine.definition import model as m

_NO = m.Const(None)


def _get(path: str) -> m.Expression:
    return m.Get(path)


def _op(op: str, *args: m.Expression) -> m.Expression:
    return m.Op(op, args)


def _is(path: str, value: Any) -> m.Expression:
    return _op("==", m.Get(path), m.Const(value))


def _call(step: str, to: str, *, attempts: int = 1, result: str | None = None, **arguments: str) -> m.Call:
    service, operation = to.split("/")
    given = m.Object({name: m.Get(path) for name, path in arguments.items()})
    return m.Call(
        step, m.Address(service, operation), given, result=result, retry=m.RetryPolicy(attempts, backoff="PT2S")
    )


def _task(step: str, name: str, *roles: str, **more: Any) -> m.Task:
    return m.Task(step, name, roles=roles, **more)


def _set(step: str, **values: Any) -> m.Set:
    return m.Set(step, {name: m.Const(value) for name, value in values.items()})


def _if(step: str, when: m.Expression, then: m.Body, otherwise: m.Body | None = None) -> m.Decision:
    return m.Decision(step, (m.Branch(when, then),), otherwise)


def _titles(**titles: str) -> dict[str, m.StepMeta]:
    return {step.replace("_", "-"): m.StepMeta(title=title) for step, title in titles.items()}


def _definition(name: str, title: str, body: m.Body, **titles: str) -> m.Definition:
    return m.Definition(name, body, version="1.0.0", meta=m.Meta(title=title, steps=_titles(**titles)))


def settle_claim() -> m.Definition:
    """An insurance case: a loop, branches, two tasks, a call that is retried, parallel branches, a signal."""
    assess: m.Body = (
        _task("assess", "AssessDamage", "adjuster", due=m.Const("P3D"), result="assessment"),
        _if("incomplete", _op("not", _get("assessment.complete")), (_call("ask", "mail/request-documents"),)),
    )
    settled: m.Body = (
        m.Fork(
            "settle",
            (
                m.ForkBranch("money", (_call("pay", "payments/transfer", attempts=5, amount="assessment.amount"),)),
                m.ForkBranch("letter", (_call("letter", "print/settlement-letter"),)),
            ),
        ),
        m.Signal("received", "payment-confirmed", match=_get("claim.id"), timeout="P14D"),
        m.Complete("settled", m.Object({"result": m.Const("settled")})),
    )
    return _definition(
        "SettleClaim",
        "Settle a claim",
        (
            m.Reference("claim-id", _get("claim.id")),
            _call("cover", "policies/check-cover", attempts=3, result="cover", policy="claim.policy"),
            _if(
                "covered",
                _get("cover.valid"),
                (),
                (
                    _call("refuse", "mail/refusal"),
                    m.Fail("not-covered", m.Const("claim.not-covered"), m.Const("No cover")),
                ),
            ),
            m.Repeat("open", assess, test=_op("not", _get("assessment.complete"))),
            _if(
                "large",
                _op(">", _get("assessment.amount"), m.Const(Decimal("10000"))),
                (_task("approve", "ApprovePayment", "head-of-claims", escalate=m.Escalation("P2D", ("board",))),),
            ),
            *settled,
        ),
        claim_id="Claim",
        covered="Covered?",
        open="Assessment open?",
        incomplete="Documents missing?",
        large="Above 10,000?",
        settle="Settle",
    )


def approve_application() -> m.Definition:
    """Time-out with a handler, a loop with a task in it, parallel branches, a signal, and the next workflow."""
    quote = _call("quote", "rating/quote", attempts=3, result="quote", policy="application.policy_id")
    review: m.Body = (
        _task("review", "ReviewQuote", "underwriter", result="review"),
        _call("requote", "rating/requote", result="quote", remarks="review.remarks"),
    )
    timed_out: m.Body = (_task("investigate", "InvestigateRating", "ops"), m.Complete("timed-out"))
    return _definition(
        "ApproveApplication",
        "Approve an application",
        (
            m.Reference("reference", _get("application.policy_id")),
            m.Try("rating", (quote,), (m.Handler(("timeout",), timed_out),)),
            m.Repeat(
                "premium",
                review,
                test=_op("and", _op(">", _get("quote.premium"), m.Const(10000)), _op("not", _get("quote.accepted"))),
            ),
            m.Fork(
                "parallel",
                (
                    m.ForkBranch("documents", (_call("print", "print/documents"),)),
                    m.ForkBranch("notify", (_call("mail", "mail/send"),)),
                ),
            ),
            m.Signal("payment", "payment-received", match=_get("application.policy_id"), timeout="P14D"),
            m.ContinueWith("issue", "IssuePolicy", m.Object({"policy": _get("application.policy_id")})),
        ),
    )


def book_trip() -> m.Definition:
    """A saga: each booking has its compensation, and a failure of the payment is caught by code."""

    def booking(what: str) -> m.Try:
        return m.Try(
            f"try-{what}",
            (_call(what, f"{what}/book", attempts=2),),
            compensate=(_call(f"undo-{what}", f"{what}/cancel"),),
        )

    body: m.Body = (booking("flight"), booking("hotel"), _call("pay", "payments/charge", amount="trip.price"))
    handlers = (
        m.Handler(("timeout",), (_task("check", "CheckPayment", "finance"),)),
        m.Handler(
            ("failure.card-declined",),
            (_call("tell", "mail/declined"), m.Fail("declined", m.Const("trip.declined"), _NO)),
        ),
        m.Handler(("*",), ()),
    )
    return _definition(
        "BookTrip", "Book a trip", (m.Try("book", body, handlers), _call("send", "mail/itinerary")), book="Bookings"
    )


def process_orders() -> m.Definition:
    """Items in turn and four at a time, with early exits of both kinds."""
    body: m.Body = (
        _if("cancelled", _get("order.cancelled"), (m.Next("skip"),)),
        _call("reserve", "stock/reserve", order="order.id"),
        _if("empty", _op("not", _get("stock.left")), (_task("reorder", "Reorder", "purchasing"), m.Leave("stop"))),
        _call("ship", "shipping/create", attempts=3),
    )
    return _definition(
        "ProcessOrders",
        "Process orders",
        (
            m.Each("orders", _get("input.orders"), "order", body),
            m.Each("mails", _get("input.customers"), "customer", (_call("mail", "mail/send"),), parallel=4),
            m.Complete("done"),
        ),
        cancelled="Cancelled?",
        empty="Out of stock?",
    )


def poll_job() -> m.Definition:
    """A loop tested after its body, with a timer in it."""
    body: m.Body = (
        m.Timer("pause", after=m.Const("PT5M")),
        _call("status", "jobs/status", result="job"),
        _if("failed", _is("job.state", "failed"), (m.Fail("stop", m.Const("job.failed"), _get("job.error")),)),
    )
    return _definition(
        "PollJob", "Wait for a job", (_call("submit", "jobs/submit"), m.Repeat("poll", body, until=_get("job.done")))
    )


def route_ticket() -> m.Definition:
    """Many branches with conditions on their edges."""
    ways = (("billing", "accountant"), ("technical", "engineer"), ("legal", "counsel"))
    branches = tuple(
        m.Branch(_is("ticket.area", area), (_task(area, f"Answer{area.title()}", role),)) for area, role in ways
    )
    return _definition(
        "RouteTicket",
        "Route a ticket",
        (
            _call("classify", "tickets/classify", result="ticket"),
            m.Decision(
                "area", branches, otherwise=(_task("triage", "Triage", "support"), _call("learn", "tickets/learn"))
            ),
            _call("answer", "mail/answer"),
        ),
        area="Which area?",
    )


def gather_offers() -> m.Definition:
    """A race: the first two of three offers, then whichever of a decision and a time limit comes first."""
    offers = tuple(
        m.ForkBranch(name, (_call(f"ask-{name}", f"{name}/offer", attempts=2),)) for name in ("north", "south", "west")
    )
    race = (
        m.ForkBranch("decided", (m.Signal("decision", "offer-chosen"),)),
        m.ForkBranch("too late", (m.Timer("limit", after=m.Const("P7D")), _set("expired", expired=True))),
    )
    return _definition(
        "GatherOffers", "Gather offers", (m.Fork("offers", offers, 2), m.Fork("race", race, "any"), m.Complete("end"))
    )


def onboard_employee() -> m.Definition:
    """Child workflows, expressions in several scripts, long texts."""
    body: m.Body = (
        m.Reference("person", _get("input.personnel_number")),
        m.Subworkflow("contract", "PrepareContract", m.Object({}), version="^2", timeout="P10D"),
        _task(
            "sign",
            "SignContract",
            "human-resources",
            "line-manager",
            due=m.Const("P5D"),
            escalate=m.Escalation("P3D", ("head-of-hr",)),
        ),
        m.Timer("first-day", at=_get("contract.start")),
        _set("laptop", laptop="ordered", desk="assigned"),
        _call("account", "directory/create-account-and-mailbox-and-badge-and-everything-else", attempts=3),
    )
    return _definition(
        "OnboardEmployee",
        "Eine neue Kollegin einarbeiten",
        body,
        contract="Arbeitsvertrag vorbereiten und von beiden Seiten prüfen lassen",
        sign="契約に署名する",
        first_day="Дождаться первого рабочего дня",
        account="חשבון חדש",
    )


def review_document() -> m.Definition:
    """Nested loops and decisions, three deep."""
    inner: m.Body = (
        _task("read", "ReadSection", "reviewer", result="note"),
        _if(
            "clear",
            _get("note.clear"),
            (_set("tick", ticked=True),),
            (_task("discuss", "Discuss", "author", "reviewer"), m.Timer("rest", after=m.Const("PT1H"))),
        ),
    )
    outer: m.Body = (
        m.Each("sections", _get("document.sections"), "section", inner),
        _if("accepted", _get("document.accepted"), (m.Leave("accept"),)),
        _task("revise", "Revise", "author"),
    )
    return _definition(
        "ReviewDocument",
        "Review a document",
        (m.Repeat("rounds", outer, test=_op("<", _get("round"), m.Const(5))), m.Complete("end")),
    )


def hello() -> m.Definition:
    """The smallest that shows something."""
    return _definition("Hello", "Hello", (_call("greet", "people/greet"),))


GALLERY: Mapping[str, m.Definition] = {
    made.__name__.replace("_", "-"): made()
    for made in (
        hello,
        settle_claim,
        approve_application,
        book_trip,
        process_orders,
        poll_job,
        route_ticket,
        gather_offers,
        onboard_employee,
        review_document,
    )
}
"""Definitions by name; all are valid."""
