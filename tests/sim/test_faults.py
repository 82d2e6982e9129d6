"""What goes wrong on purpose, as the SDK meets it, and what has happened at the exchange all the same."""

import json
from threading import Event

import pytest
import urllib3
from upstox_client.rest import ApiException

from auction_bt.core.errors import BadInput
from auction_bt.sim.faults import Fault, FaultKind, FaultPlan, plan_of, plan_of_seed, read_plan
from tests.sim.served import change, logged_in, order, refusal, serving
from tests.waiting import until

BROKEN = (urllib3.exceptions.HTTPError, OSError)


@pytest.fixture
def faulty():
    """Return a function that serves with some faults, and gives the service and a client of it."""
    opened = []

    def serve(*faults, **named):
        opened.append(serving(plan=FaultPlan(faults), **named))
        service = opened[-1].__enter__()
        return service, logged_in(service)

    yield serve
    for manager in opened:
        manager.__exit__(None, None, None)


def book(service):
    return service.broker.read(lambda on, _: on.books.orders())


def test_an_order_whose_answer_is_lost_stands_and_is_found_by_its_tag(faulty):
    service, sdk = faulty(Fault(FaultKind.LOST, 1, "place"))
    with pytest.raises(BROKEN):
        sdk.OrderApiV3.place_order(order(tag="once"))
    assert [row.tag for row in sdk.OrderApi.get_order_details("2.0", tag="once").data] == ["once"] * 4
    assert until(lambda: service.states() == ["put order req received", "validation pending", "open pending", "open"])
    assert (len(book(service)), service.calls("place")) == (1, 1)


def test_a_cancel_and_a_change_whose_answers_are_lost_are_done(faulty):
    service, sdk = faulty(Fault(FaultKind.LOST, 1, "modify"), Fault(FaultKind.LOST, 1, "cancel"))
    (order_id,) = sdk.OrderApiV3.place_order(order()).data.order_ids
    with pytest.raises(BROKEN):
        sdk.OrderApiV3.modify_order(change(order_id))
    assert sdk.OrderApi.get_order_status(order_id=order_id).data.price == 1301.0
    with pytest.raises(BROKEN):
        sdk.OrderApiV3.cancel_order(order_id)
    assert sdk.OrderApi.get_order_status(order_id=order_id).data.status == "cancelled"
    assert [service.calls(group) for group in ("modify", "cancel")] == [1, 1]


def test_the_sdks_own_repetitions_do_a_change_again_that_was_done(faulty):
    service, _ = faulty(Fault(FaultKind.LOST, 1, "modify", times=2))
    sdk = logged_in(service, retries=True)
    (order_id,) = sdk.OrderApiV3.place_order(order()).data.order_ids
    sdk.OrderApiV3.modify_order(change(order_id))
    assert service.calls("modify") == 3
    assert sdk.OrderApi.get_order_status(order_id=order_id).data.order_request_id == "4"


def test_a_connection_that_breaks_before_the_call_is_read_has_done_nothing(faulty):
    service, sdk = faulty(Fault(FaultKind.RESET, 1, "place"))
    with pytest.raises(BROKEN):
        sdk.OrderApiV3.place_order(order())
    assert book(service) == []
    assert sdk.OrderApiV3.place_order(order()).status == "success"


def test_the_feed_tells_before_the_answer_or_after_it(faulty):
    service, sdk = faulty(Fault(FaultKind.EARLY, 2, "place"), Fault(FaultKind.SLOW, 1, "place", times=2, seconds=0.1))
    seen = []
    service.pause = lambda _: seen.append(list(service.states()))  # a slow answer waits when all is done and nothing is sent
    sdk.OrderApiV3.place_order(order())
    assert until(lambda: service.broker.outbox.is_idle)
    sdk.OrderApiV3.place_order(order())
    assert [len(states) for states in seen] == [0, 8]


def test_while_an_answer_is_out_nothing_later_is_told(faulty):
    service, sdk = faulty(Fault(FaultKind.SLOW, 1, "place"))
    idle = []

    def pause(_):
        service.broker.tick("NSE_EQ|INE002A01018", service.broker.clock(), 1300.0, 100)
        idle.append((service.broker.outbox.is_idle, service.states()))

    service.pause = pause
    (order_id,) = sdk.OrderApiV3.place_order(order()).data.order_ids
    assert idle == [(False, [])]
    assert until(lambda: service.broker.outbox.is_idle)
    assert service.states()[-2:] == ["open", "complete"]
    assert [update.body["order_id"] for update in service.told if update.kind == "order"] == [order_id] * 5


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_an_error_of_the_server_has_done_nothing(faulty, status):
    service, sdk = faulty(Fault(FaultKind.ERROR, 1, "place", status=status))
    with pytest.raises(ApiException) as error:
        sdk.OrderApiV3.place_order(order())
    assert refusal(error) == (status, "UDAPI100500")
    assert book(service) == []


def test_a_call_too_many_that_was_not_has_done_nothing(faulty):
    _, sdk = faulty(Fault(FaultKind.RATE, 2, "read"))
    sdk.OrderApi.get_order_book("2.0")
    with pytest.raises(ApiException) as error:
        sdk.OrderApi.get_order_book("2.0")
    assert refusal(error) == (429, "UDAPI10005")
    sdk.OrderApi.get_order_book("2.0")


def test_a_slow_answer_is_given_up_by_whoever_does_not_wait_and_done_all_the_same(faulty):
    service, sdk = faulty(Fault(FaultKind.SLOW, 1, "place", seconds=7.5))
    gone, waits = Event(), []
    service.pause = lambda seconds: waits.append(seconds) or gone.wait(20)
    try:
        with pytest.raises(BROKEN):
            sdk.OrderApiV3.place_order(order(), _request_timeout=1)
        assert (len(book(service)), waits) == (1, [7.5])
    finally:
        gone.set()


def test_all_tokens_die_and_who_logs_in_goes_on(faulty):
    service, sdk = faulty(Fault(FaultKind.TOKEN, 2, "place"))
    sdk.OrderApiV3.place_order(order())
    for _ in range(2):
        with pytest.raises(ApiException) as error:
            sdk.OrderApiV3.place_order(order())
        assert refusal(error) == (401, "UDAPI100050")
    with pytest.raises(ApiException) as error:
        sdk.OrderApi.get_order_book("2.0")
    assert refusal(error) == (401, "UDAPI100050")
    sdk.client.configuration.access_token = service.sessions.grant(service.broker.clock())
    assert len(sdk.OrderApi.get_order_book("2.0").data) == 1


def test_an_order_is_rejected_a_change_fails_a_cancel_fails(faulty):
    faults = (Fault(FaultKind.REJECT, 2, "place", text="no"), Fault(FaultKind.REJECT, 1, "modify"),
              Fault(FaultKind.REJECT, 1, "cancel"))  # fmt: skip
    _, sdk = faulty(*faults)
    (order_id,) = sdk.OrderApiV3.place_order(order()).data.order_ids
    sdk.OrderApiV3.modify_order(change(order_id))
    sdk.OrderApiV3.cancel_order(order_id)
    states = [state.status for state in sdk.OrderApi.get_order_details("2.0", order_id=order_id).data]
    assert states[-6:] == ["modify validation pending", "not modified", "open", "cancel pending", "not cancelled", "open"]
    (other,) = sdk.OrderApiV3.place_order(order()).data.order_ids
    row = sdk.OrderApi.get_order_status(order_id=other).data
    assert (row.status, row.status_message) == ("rejected", "no")


def test_a_plan_is_the_same_for_the_same_seed_and_another_for_another():
    assert plan_of_seed(1) == plan_of_seed(1) != plan_of_seed(2)
    assert 20 <= len(plan_of_seed(1).faults) <= 60  # 2 % of 2000


@pytest.mark.parametrize("suffix", [".toml", ".json"])
def test_a_plan_from_a_file(tmp_path, suffix):
    said = {"faults": [{"kind": "lost", "call": 2, "on": "place"}, {"kind": "error", "call": 1, "status": 502}]}
    toml = "".join("[[faults]]\n" + "".join(f"{k} = {json.dumps(v)}\n" for k, v in row.items()) for row in said["faults"])
    path = tmp_path / f"plan{suffix}"
    path.write_text(json.dumps(said) if suffix == ".json" else toml)
    plan = read_plan(path)
    assert [fault.kind for fault in plan.at("place", 2, 1)] == [FaultKind.LOST, FaultKind.ERROR]
    assert plan.at("read", 2, 2) == ()


@pytest.mark.parametrize(("said", "why"), [
    ({"faults": [{"kind": "flood", "call": 1}]}, "error, slow, rate"),
    ({"faults": [{"kind": "slow"}]}, "each fault has a kind"),
    ({"faults": [{"kind": "slow", "call": 0}]}, "calls count from 1"),
    ({"faults": [{"kind": "slow", "call": 1, "on": "tea"}]}, "no calls are named tea"),
    ({"faults": [{"kind": "error", "call": 1, "status": 404}]}, "500 to 599"),
    ({"seed": 1, "share": 2}, "0 to 1"),
])  # fmt: skip
def test_a_plan_that_is_none_says_why(said, why):
    with pytest.raises(BadInput, match=why):
        plan_of(said)


def test_a_file_that_is_no_plan(tmp_path):
    path = tmp_path / "plan.toml"
    for text in ("[[", ""):
        path.write_text(text)
        if text:
            with pytest.raises(BadInput, match="cannot be read"):
                read_plan(path)
        else:
            assert read_plan(path) == FaultPlan()
    with pytest.raises(BadInput, match="cannot be read"):
        read_plan(tmp_path / "none.toml")
