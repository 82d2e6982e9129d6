"""Quotes of the simulated market, through the SDK."""

import pytest
from upstox_client.rest import ApiException

from auction_bt.core.ist import MINUTE_NS
from tests.sim.made import FUTURE, SHARE, at
from tests.sim.served import logged_in, refusal, serving

MS = 1_000_000


@pytest.fixture
def service():
    with serving(now=at(9, 17, 30)) as made:
        for ts, price, size in ((at(9, 15), 1310.0, 10), (at(9, 16, 5), 1312.0, 20), (at(9, 17, 20), 1308.0, 30)):
            made.broker.tick(SHARE, ts, price, size, price - 0.1, price + 0.1)
        made.broker.tick(SHARE, at(9, 17, 25), 1308.0, 0, 1307.5, float("nan"))
        yield made


@pytest.fixture
def sdk(service):
    return logged_in(service)


def test_last_prices(sdk):
    found = sdk.MarketQuoteV3Api.get_ltp(instrument_key=f"{SHARE},{FUTURE}").data
    share, future = found["NSE_EQ:RELIANCE"], found["NSE_FO:NIFTY FUT 29 DEC 26"]
    assert (share.instrument_token, share.last_price, share.ltq, share.volume, share.cp) == (SHARE, 1308.0, 30, 60, 1310.0)
    assert (future.last_price, future.volume) == (25_000.0, 0)  # without a trade: the close of the day before
    assert sdk.MarketQuoteApi.ltp(SHARE, "2.0").data["NSE_EQ:RELIANCE"].last_price == 1308.0


def test_candles_in_the_making(service, sdk):
    def values(candle):
        return candle and (candle.open, candle.high, candle.low, candle.close, candle.volume, candle.ts)

    day = sdk.MarketQuoteV3Api.get_market_quote_ohlc("1d", instrument_key=SHARE).data["NSE_EQ:RELIANCE"]
    assert values(day.live_ohlc) == (1310.0, 1312.0, 1308.0, 1308.0, 60, at(0, 0) // MS)
    assert day.prev_ohlc is None
    minute = sdk.MarketQuoteV3Api.get_market_quote_ohlc("I1", instrument_key=SHARE).data["NSE_EQ:RELIANCE"]
    assert values(minute.prev_ohlc) == (1312.0, 1312.0, 1312.0, 1312.0, 20, at(9, 16) // MS)
    assert values(minute.live_ohlc) == (1308.0, 1308.0, 1308.0, 1308.0, 30, at(9, 17) // MS)
    service.broker.clock.now += MINUTE_NS  # a minute without a trade has no candle
    later = sdk.MarketQuoteV3Api.get_market_quote_ohlc("I1", instrument_key=SHARE).data["NSE_EQ:RELIANCE"]
    assert (later.live_ohlc, values(later.prev_ohlc)) == (None, values(minute.live_ohlc))
    assert sdk.MarketQuoteApi.get_market_quote_ohlc(SHARE, "1d", "2.0").data["NSE_EQ:RELIANCE"].ohlc.high == 1312.0


def test_everything_at_once(sdk):
    full = sdk.MarketQuoteApi.get_full_market_quote(SHARE, "2.0").data["NSE_EQ:RELIANCE"]
    assert (full.symbol, full.last_price, full.net_change, full.volume) == ("RELIANCE", 1308.0, -2.0, 60)
    assert full.average_price == round((13_100 + 26_240 + 39_240) / 60, 4)
    assert ([level.price for level in full.depth.buy], full.depth.sell) == ([1307.5], [])
    assert (full.lower_circuit_limit, full.upper_circuit_limit, full.ohlc.low) == (1179.0, 1441.0, 1308.0)
    assert full.last_trade_time == str(at(9, 17, 20) // MS)
    third = sdk.MarketQuoteV3Api.get_full_market_quote_v3(instrument_key=SHARE).data["NSE_EQ:RELIANCE"]
    assert (third.prev_close_price, third.cas_eligible, third.ohlc.volume) == (1310.0, True, 60)


@pytest.mark.parametrize(("keys", "said"), [
    (f"{SHARE},NSE_EQ|NONE", (400, "UDAPI1087")),
    (",".join([SHARE] * 501), (400, "UDAPI100043")),
    ("", (400, "UDAPI100036")),
])  # fmt: skip
def test_keys_that_are_none_or_too_many(sdk, keys, said):
    with pytest.raises(ApiException) as error:
        sdk.MarketQuoteV3Api.get_ltp(instrument_key=keys)
    assert refusal(error) == said


def test_an_interval_that_is_none(sdk):
    with pytest.raises(ApiException) as error:
        sdk.MarketQuoteV3Api.get_market_quote_ohlc("2d", instrument_key=SHARE)
    assert refusal(error) == (400, "UDAPI100036")
