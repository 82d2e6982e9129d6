import com.upstox.ApiClient;
import com.upstox.ApiException;
import com.upstox.api.*;
import com.upstox.auth.OAuth;
import com.upstox.feeder.MarketDataStreamerV3;
import com.upstox.feeder.MarketUpdateV3;
import com.upstox.feeder.OrderUpdate;
import com.upstox.feeder.PortfolioDataStreamer;
import com.upstox.feeder.PositionUpdate;
import com.upstox.feeder.constants.Mode;
import io.swagger.client.api.*;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.function.Predicate;

/**
 * The broker's own Java SDK, as it comes, in front of the simulated broker: URL and token come from SIM_URL
 * and SIM_TOKEN. Each step says PASS; the first that fails says FAIL, and the exit code is 1.
 */
public final class Interop {
    private static final String VERSION = "2.0";
    private static final long WAIT_MS = 20_000;

    private final ApiClient client = new ApiClient();
    private final String key = "NSE_FO|SIM-1"; // of every made-up day
    private final int lot = 50;
    private final Heard<MarketUpdateV3> frames = new Heard<>();
    private final Heard<OrderUpdate> orders = new Heard<>();
    private final Heard<PositionUpdate> positions = new Heard<>();

    public static void main(String[] none) {
        int code = 1;
        try {
            new Interop().run();
            code = 0;
        } catch (ApiException error) {
            System.out.println("FAIL " + error.getCode() + " " + error.getMessage() + " " + error.getResponseBody());
        } catch (Exception | AssertionError error) {
            System.out.println("FAIL " + error);
        }
        System.exit(code); // the SDK's sockets have threads that would go on
    }

    private void run() throws Exception {
        String url = Objects.requireNonNull(System.getenv("SIM_URL"), "SIM_URL is not set: run make interop");
        client.setBasePath(url).setOrderBasePath(url);
        ((OAuth) client.getAuthentication("OAUTH2")).setAccessToken(System.getenv("SIM_TOKEN"));

        ProfileData profile = new UserApi(client).getProfile(VERSION).getData();
        check("profile: user " + profile.getUserId(), profile.getUserId() != null && profile.isIsActive());

        marketFeed();
        portfolioFeed();
        candles();
        marketOrder();
        restingOrder();
        refusals();
    }

    private void marketFeed() throws Exception {
        MarketDataStreamerV3 streamer = new MarketDataStreamerV3(client, Set.of(key), Mode.FULL);
        Heard<Boolean> opened = new Heard<>();
        streamer.setOnOpenListener(() -> opened.add(true));
        streamer.setOnErrorListener(error -> System.out.println("market feed: " + error));
        streamer.setOnMarketUpdateListener(frames::add);
        streamer.connect();
        opened.first(any -> true, "the market feed opens");
        MarketUpdateV3 first = frames.first(f -> f.getMarketInfo() != null, "a frame with the state of the market");
        check("market feed: connected, " + first.getMarketInfo().getSegmentStatus(),
                first.getType() == MarketUpdateV3.Type.market_info && first.getCurrentTs() > 0
                        && !first.getMarketInfo().getSegmentStatus().containsValue(null));

        MarketUpdateV3 live = frames.first(f -> of(f) != null && f.getType() == MarketUpdateV3.Type.live_feed, "a frame of " + key);
        MarketUpdateV3.MarketFullFeed full = of(live).getFullFeed().getMarketFF();
        MarketUpdateV3.Quote best = full.getMarketLevel().getBidAskQuote().get(0);
        check("market feed: a frame of " + key + ", ltp " + full.getLtpc().getLtp() + " vtt " + full.getVtt(),
                full.getLtpc().getLtp() > 0 && full.getLtpc().getLtt() > 0 && full.getVtt() > 0 && full.getAtp() > 0
                        && best.getBidP() > 0 && best.getAskP() > best.getBidP() && best.getBidQ() > 0);
        Set<String> intervals = Set.of("1d", "I1");
        check("market feed: the bars " + intervals + " and a book of " + full.getMarketLevel().getBidAskQuote().size(),
                full.getMarketLevel().getBidAskQuote().size() == 5
                        && full.getMarketOHLC().getOhlc().stream().filter(bar -> intervals.contains(bar.getInterval())
                        && bar.getLow() > 0 && bar.getHigh() >= bar.getLow()).count() == 2);

        streamer.changeMode(Set.of(key), Mode.LTPC);
        frames.first(f -> of(f) != null && of(f).getLtpc() != null && of(f).getFullFeed() == null, "a frame in the mode ltpc");
        check("market feed: the mode is changed", true);
    }

    private MarketUpdateV3.Feed of(MarketUpdateV3 frame) {
        return frame.getFeeds() == null ? null : frame.getFeeds().get(key);
    }

    private void portfolioFeed() throws Exception {
        PortfolioDataStreamer streamer = new PortfolioDataStreamer(client, true, true, false);
        Heard<Boolean> opened = new Heard<>();
        streamer.setOnOpenListener(() -> opened.add(true));
        streamer.setOnErrorListener(error -> System.out.println("portfolio feed: " + error));
        streamer.setOnOrderUpdateListener(orders::add);
        streamer.setOnPositionUpdateListener(positions::add);
        streamer.connect();
        opened.first(any -> true, "the portfolio feed opens");
        check("portfolio feed: connected", true);
    }

    private void candles() throws Exception {
        List<List<Object>> rows = new HistoryV3Api(client).getIntraDayCandleData(key, "minutes", 1).getData().getCandles();
        check("candles: " + rows.size() + " minutes of today", rows.size() > 10 && rows.get(0).size() == 7);
        GetMarketQuoteLastTradedPriceResponseV3 quote = new MarketQuoteV3Api(client).getLtp(key);
        check("quote: " + quote.getData().keySet(), quote.getData().size() == 1);
    }

    private void marketOrder() throws Exception {
        String id = place(PlaceOrderV3Request.OrderTypeEnum.MARKET, 0f, lot, "interop-1");
        OrderUpdate done = orders.first(u -> id.equals(u.getOrderId()) && "complete".equals(u.getStatus()), "the order is filled");
        check("market order: filled at " + done.getAveragePrice() + ", told by the portfolio feed",
                done.getFilledQuantity() == lot && done.getAveragePrice() > 0 && "interop-1".equals(done.getTag())
                        && key.equals(done.getInstrumentKey()) && done.getPendingQuantity() == 0);
        PositionUpdate held = positions.first(u -> key.equals(u.getInstrumentKey()) && u.getQuantity() == lot, "the position");
        check("position: " + held.getQuantity() + ", told by the portfolio feed", held.getProduct().equals("I"));

        List<OrderBookData> book = new OrderApi(client).getOrderBook(VERSION).getData();
        check("order book: " + book.size() + " order, " + book.get(0).getStatus(),
                book.size() == 1 && id.equals(book.get(0).getOrderId()) && "complete".equals(book.get(0).getStatus()));
        List<TradeData> trades = new OrderApi(client).getTradesByOrder(id, VERSION).getData();
        check("trades: " + trades.size() + " of the order", trades.stream().mapToInt(TradeData::getQuantity).sum() == lot);
        List<PositionData> net = new PortfolioApi(client).getPositions(VERSION).getData();
        check("positions: " + net.size(), net.size() == 1 && net.get(0).getQuantity() == lot);
    }

    private void restingOrder() throws Exception {
        double ltp = frames.last(f -> of(f) != null && of(f).getLtpc() != null).getFeeds().get(key).getLtpc().getLtp();
        String id = place(PlaceOrderV3Request.OrderTypeEnum.LIMIT, Math.round(ltp * 0.97), lot, "interop-2");
        orders.first(u -> id.equals(u.getOrderId()) && "open".equals(u.getStatus()), "the limit rests");
        float changed = Math.round(ltp * 0.96);
        new OrderApiV3(client).modifyOrder(new ModifyOrderRequest().orderId(id).quantity(2 * lot).price(changed).triggerPrice(0f)
                .disclosedQuantity(0).validity(ModifyOrderRequest.ValidityEnum.DAY).orderType(ModifyOrderRequest.OrderTypeEnum.LIMIT));
        orders.first(u -> id.equals(u.getOrderId()) && "open".equals(u.getStatus()) && u.getQuantity() == 2 * lot, "it is changed");
        check("limit order: rests, and is changed to " + 2 * lot + " at " + changed, true);
        new OrderApiV3(client).cancelOrder(id);
        orders.first(u -> id.equals(u.getOrderId()) && "cancelled".equals(u.getStatus()), "it is cancelled");
        check("limit order: taken back", true);
    }

    private void refusals() throws Exception {
        try {
            place(PlaceOrderV3Request.OrderTypeEnum.LIMIT, 0f, lot, "interop-3");
        } catch (ApiException error) {
            check("refusal: a limit order without a price, " + error.getCode(),
                    error.getCode() == 400 && error.getResponseBody().contains("\"UDAPI1029\""));
            ((OAuth) client.getAuthentication("OAUTH2")).setAccessToken("none");
            unauthorised();
            return;
        }
        throw new AssertionError("a limit order without a price is refused");
    }

    private void unauthorised() {
        try {
            new UserApi(client).getProfile(VERSION);
        } catch (ApiException error) {
            check("no token: 401", error.getCode() == 401);
            return;
        }
        throw new AssertionError("a call with a token that is none is refused");
    }

    private String place(PlaceOrderV3Request.OrderTypeEnum type, float price, int quantity, String tag) throws ApiException {
        PlaceOrderV3Response answer = new OrderApiV3(client).placeOrder(new PlaceOrderV3Request().instrumentToken(key)
                .quantity(quantity).orderType(type).price(price).triggerPrice(0f).disclosedQuantity(0).tag(tag).isAmo(false)
                .slice(false).product(PlaceOrderV3Request.ProductEnum.I).validity(PlaceOrderV3Request.ValidityEnum.DAY)
                .transactionType(PlaceOrderV3Request.TransactionTypeEnum.BUY));
        List<String> ids = answer.getData().getOrderIds();
        check(type + " order: taken as " + ids, ids.size() == 1 && answer.getStatus() == PlaceOrderV3Response.StatusEnum.SUCCESS);
        return ids.get(0);
    }

    private static void check(String what, boolean so) {
        if (!so) throw new AssertionError(what);
        System.out.println("PASS " + what);
    }

    /** What a socket's thread has told, and a wait for something in it. */
    private static final class Heard<T> {
        private final List<T> all = new ArrayList<>();

        synchronized void add(T one) {
            all.add(one);
            notifyAll();
        }

        synchronized T first(Predicate<T> wanted, String what) throws InterruptedException {
            long until = System.nanoTime() + WAIT_MS * 1_000_000;
            int seen = 0;
            while (true) {
                for (; seen < all.size(); seen++) if (wanted.test(all.get(seen))) return all.get(seen);
                long left = (until - System.nanoTime()) / 1_000_000;
                if (left <= 0) throw new AssertionError("within " + WAIT_MS / 1000 + " s: " + what);
                wait(left);
            }
        }

        synchronized T last(Predicate<T> wanted) {
            for (int at = all.size() - 1; at >= 0; at--) if (wanted.test(all.get(at))) return all.get(at);
            throw new AssertionError("nothing was heard");
        }
    }
}
