using System.Buffers;
using System.Net;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Text;
using Stowline.Bench;
using Stowline.Contracts;
using Stowline.Hub.Access;
using Stowline.Hub.Ordering;
using Stowline.Kernel;
using Stowline.Protocol;
using Stowline.Server.Grpc;
using Stowline.Site.Fulfillment;
using Stowline.Tests.Support;

namespace Stowline.Tests.Server;

/// Goal: what foreign clients cannot easily see: the two protocols on one port, keys, and the tables that must agree. Method: a real node over TCP.
public class GrpcTests
{
    private const string Orders = "/stowline.v1.OrderService/", Warehouse = "/stowline.v1.WarehouseService/";

    [Theory]
    [InlineData("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n and more", true)]
    [InlineData("PRI * HTTP/2.0\r\n", null)]
    [InlineData("P", null)]
    [InlineData("", null)]
    [InlineData("POST /api/v1/orders HTTP/1.1\r\n", false)]
    [InlineData("PRI * HTTP/1.1\r\n\r\n", false)]
    [InlineData("G", false)]
    public void The_preface_is_known_as_early_as_it_can_be(string bytes, bool? is2)
    {
        Assert.Equal(is2, Http2Door.Compare(new ReadOnlySequence<byte>(Encoding.ASCII.GetBytes(bytes))));
    }

    [Fact]
    public async Task Both_protocols_are_spoken_on_one_port_also_when_the_first_bytes_come_one_by_one()
    {
        await using var node = await ServerNode.StartAsync();
        using var grpc = new GrpcClient(node.Url);
        for (var i = 0; i < 3; i++)
        {
            Assert.Equal(HttpStatusCode.OK, (await node.Http.GetAsync("/health/ready")).StatusCode);
            Assert.Equal(0, (await grpc.CallAsync("/grpc.health.v1.Health/Check", new Protocol.Health.HealthCheckRequest(), Protocol.Health.HealthCheckResponse.Parser)).Status);
        }
        Assert.StartsWith("HTTP/1.1 200", await DribbleAsync(node.Url, "GET /health/ready HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"));
        Assert.StartsWith("HTTP/1.1 200", await DribbleAsync(node.Url,
            "PUT /api/v1/sites/P1 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: 34\r\n\r\n{\"name\":\"P\",\"type\":\"pickup_point\"}"));
        // Other HTTP/2 than gRPC is served as well: the REST API, for clients that know beforehand.
        using var http2 = new HttpClient { BaseAddress = node.Url, DefaultRequestVersion = HttpVersion.Version20, DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact };
        Assert.Equal(HttpStatusCode.OK, (await http2.GetAsync("/api/v1/orders")).StatusCode);
    }

    /// <summary>Sends byte by byte, each by itself, and answers what comes back.</summary>
    private static async Task<string> DribbleAsync(Uri server, string request)
    {
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(IPAddress.Loopback, server.Port);
        foreach (var b in Encoding.ASCII.GetBytes(request)) await socket.SendAsync(new[] { b });
        var answer = new StringBuilder();
        var buffer = new byte[4096];
        for (int read; (read = await socket.ReceiveAsync(buffer)) > 0;) answer.Append(Encoding.UTF8.GetString(buffer, 0, read));
        return answer.ToString();
    }

    [Fact]
    public async Task A_node_stops_while_connections_of_both_kinds_are_open()
    {
        await using var node = await ServerNode.StartAsync();
        using var grpc = new GrpcClient(node.Url);
        await grpc.CallAsync("/grpc.health.v1.Health/Check", new Protocol.Health.HealthCheckRequest(), Protocol.Health.HealthCheckResponse.Parser);
        using var silent = new Socket(SocketType.Stream, ProtocolType.Tcp);
        await silent.ConnectAsync(IPAddress.Loopback, node.Url.Port);
        await node.StopAsync().WaitAsync(TimeSpan.FromMinutes(1)); // a connection that has said nothing does not keep it
    }

    [Fact]
    public async Task Keys_their_scopes_and_sites_count_for_gRPC_too()
    {
        await using var node = await ServerNode.StartAsync(auth: "keys");
        async Task<string> KeyAsync(string name, KeyScope scope, params string[] sites) => (await KeysTests.MakeAsync(node.Node, name, [scope], sites))!;
        var admin = await KeyAsync("boss", KeyScope.Admin);
        foreach (var site in new[] { "WH1", "WH2" })
            Assert.True((await node.SendAsync("PUT", "/api/v1/sites/" + site, """{"name":"W","type":"warehouse"}""", headers: ("Authorization", "Bearer " + admin))).IsSuccessStatusCode);
        using var grpc = new GrpcClient(node.Url);
        async Task<(int, string?)> CallAsync(string method, Google.Protobuf.IMessage request, params (string, string)[] metadata)
        {
            var answer = await grpc.CallAsync(method, request, Order.Parser, default, metadata);
            return (answer.Status, answer.Code);
        }

        var get = new GetOrderRequest { Id = "1" };
        Assert.Equal((16, "unauthenticated"), await CallAsync(Orders + "GetOrder", get));
        Assert.Equal((16, "unauthenticated"), await CallAsync(Orders + "GetOrder", get, ("authorization", "Bearer nonsense")));
        Assert.Equal((5, "order_not_found"), await CallAsync(Orders + "GetOrder", get, ("authorization", "Bearer " + admin)));
        Assert.Equal((5, "order_not_found"), await CallAsync(Orders + "GetOrder", get, ("x-api-key", admin)));
        Assert.Equal(0, (await grpc.CallAsync("/grpc.health.v1.Health/Check", new Protocol.Health.HealthCheckRequest(), Protocol.Health.HealthCheckResponse.Parser)).Status);

        var reader = ("authorization", "Bearer " + await KeyAsync("reader", KeyScope.Read));
        Assert.Equal((5, "order_not_found"), await CallAsync(Orders + "GetOrder", get, reader));
        Assert.Equal((7, "forbidden"), await CallAsync(Orders + "CreateOrder", new CreateOrderRequest(), reader));
        Assert.Equal((7, "forbidden"), await CallAsync(Warehouse + "PlaceInventory", new PlaceInventoryRequest(), reader));
        Assert.Equal((0, (string?)null), await CallAsync(Warehouse + "ListPickingTasks", new ListPickingTasksRequest(), reader));

        var one = ("authorization", "Bearer " + await KeyAsync("one", KeyScope.Tasks, "WH1"));
        Assert.Equal((0, (string?)null), await CallAsync(Warehouse + "ListPickingTasks", new ListPickingTasksRequest { WarehouseId = 1 }, one));
        Assert.Equal((7, "forbidden"), await CallAsync(Warehouse + "ListPickingTasks", new ListPickingTasksRequest { WarehouseId = 2 }, one));
        Assert.Equal((7, "forbidden"), await CallAsync(Warehouse + "ListPickingTasks", new ListPickingTasksRequest(), one));
        Assert.Equal((12, (string?)null), await CallAsync("/no.such.Service/Method", get, ("authorization", "Bearer " + admin)));
    }

    [Fact]
    public async Task A_call_that_is_no_gRPC_is_told_so()
    {
        await using var node = await ServerNode.StartAsync();
        using var json = await node.Http.PostAsJsonAsync(Orders + "CreateOrder", new { });
        Assert.Equal(HttpStatusCode.UnsupportedMediaType, json.StatusCode);
        Assert.Contains("grpc_only", await json.Content.ReadAsStringAsync());
    }

    [Theory, EveryDatabase]
    public async Task A_reservation_says_when_it_expires_and_is_kept_longer_when_asked_again(string store)
    {
        await using var node = await ServerNode.StartAsync(store, configure: c => c with { ReservationsKept = TimeSpan.FromHours(24) });
        Assert.True((await node.SendAsync("PUT", "/api/v1/sites/WH1", """{"name":"W","type":"warehouse"}""")).IsSuccessStatusCode);
        Assert.True((await node.SendAsync("PUT", "/api/v1/products/S", """{"name":"S","price":{"amount":"1.00","currency":"EUR"}}""")).IsSuccessStatusCode);
        using var grpc = new GrpcClient(node.Url);
        Assert.Equal(0, (await grpc.CallAsync(Warehouse + "PlaceInventory", new PlaceInventoryRequest { WarehouseId = 1, Sku = "S", Quantity = 10 }, ProductLocation.Parser)).Status);
        Task<GrpcAnswer<Reservation>> KeepAsync(long order, DateTimeOffset? until) => grpc.CallAsync(Warehouse + "ReserveInventory", new ReserveInventoryRequest
        {
            WarehouseId = 1, Sku = "S", OrderId = order, Quantity = 2, ExpiresAt = until is { } at ? Google.Protobuf.WellKnownTypes.Timestamp.FromDateTimeOffset(at) : null,
        }, Reservation.Parser);

        var usual = (await KeepAsync(456, null)).Must();
        Assert.InRange(usual.ExpiresAt.ToDateTimeOffset(), DateTimeOffset.UtcNow.AddHours(23), DateTimeOffset.UtcNow.AddHours(24));
        var (soon, later) = (DateTimeOffset.UtcNow.AddDays(2), DateTimeOffset.UtcNow.AddDays(3));
        var told = (await KeepAsync(457, soon)).Must();
        Assert.Equal(soon.ToUnixTimeMilliseconds(), told.ExpiresAt.ToDateTimeOffset().ToUnixTimeMilliseconds());
        var again = (await KeepAsync(457, later)).Must();
        Assert.Equal((told.Id, later.ToUnixTimeMilliseconds()), (again.Id, again.ExpiresAt.ToDateTimeOffset().ToUnixTimeMilliseconds()));
        Assert.Equal(again.ExpiresAt, (await KeepAsync(457, null)).Must().ExpiresAt);
        Assert.Equal((3, "invalid_request"), await KeepAsync(458, DateTimeOffset.UtcNow.AddMinutes(-1)) is var past ? (past.Status, past.Code) : default);
    }

    [Fact]
    public async Task The_definitions_are_served()
    {
        await using var node = await ServerNode.StartAsync(auth: "keys");
        var files = (await node.GetAsync("/proto")).GetProperty("items").EnumerateArray().Select(f => f.GetString()!).ToList();
        Assert.Equal(["/proto/health.proto", "/proto/orders.proto", "/proto/warehouse.proto"], files);
        Assert.Contains("service WarehouseService", await node.Http.GetStringAsync("/proto/warehouse.proto"));
        Assert.Equal(HttpStatusCode.NotFound, (await node.Http.GetAsync("/proto/..%2Fstowline.db")).StatusCode);
    }

    [Theory]
    [InlineData("5S", 5_000L)]
    [InlineData("250m", 250L)]
    [InlineData("1H", 3_600_000L)]
    [InlineData("99999999H", 40L * 24 * 3_600_000)]
    [InlineData("2000u", 2L)]
    [InlineData("", null)]
    public void Timeouts_are_read(string text, long? milliseconds) => Assert.Equal(milliseconds, (long?)ServerCallContext.ParseTimeout(text)?.TotalMilliseconds);

    [Theory]
    [InlineData("5")]
    [InlineData("S")]
    [InlineData("-1S")]
    [InlineData("5x")]
    [InlineData("999999999S")]
    public void Malformed_timeouts_are_refused(string text) => Assert.Throws<RpcException>(() => ServerCallContext.ParseTimeout(text));

    [Fact]
    public void Each_kind_of_refusal_has_its_status()
    {
        Assert.Equal(StatusCode.ResourceExhausted, GrpcStatus.Of(Refusal.Conflict("slots_full", "All slots are full for today")).StatusCode);
        Assert.Equal(StatusCode.FailedPrecondition, GrpcStatus.Of(Refusal.Conflict("invalid_transition", "")).StatusCode);
        Assert.Equal(StatusCode.Aborted, GrpcStatus.Of(Refusal.Conflict("stale_quantity", "")).StatusCode);
        Assert.Equal(StatusCode.Unavailable, GrpcStatus.Of(Refusal.Unavailable("lane_queue_full", "", 1)).StatusCode);
        foreach (var kind in Enum.GetValues<RefusalKind>()) Assert.NotEqual(StatusCode.OK, GrpcStatus.Of(new Refusal(kind, "code", "detail")).StatusCode);
        Assert.Equal("100%25 %D0%BD%D0%B5%D1%82%0A", GrpcStatus.Encode("100% нет\n"));
    }

    [Fact]
    public void Enums_have_the_same_numbers_on_both_sides()
    {
        Same<Stowline.Contracts.Priority, Protocol.Priority>();
        Same<Stowline.Hub.Ordering.OrderStatus, Protocol.OrderStatus>();
        Same<Stowline.Hub.Ordering.FulfillmentType, Protocol.FulfillmentType>();
        Same<PickingStatus, PickingTaskStatus>();
        Same<PickingItemStatus, PickingTaskItemStatus>();
        Same<PackingStatus, PackingTaskStatus>();
        Same<Stowline.Site.Fulfillment.PackagingType, Protocol.PackagingType>();
    }

    private static void Same<TOurs, TTheirs>() where TOurs : struct, Enum where TTheirs : struct, Enum => Assert.Equal(
        Enum.GetValues<TOurs>().Select(v => (v.ToString(), Convert.ToInt32(v))),
        Enum.GetValues<TTheirs>().Select(v => (v.ToString(), Convert.ToInt32(v))).Where(v => v.Item2 != 0));
}
