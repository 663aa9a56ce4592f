"""The official Python client against a running node: check.py HOST:PORT FOLDER_OF_GENERATED_MESSAGES

One line per check. The exit status is 0 only when all were as they must be. The stubs are written by hand, because Debian has the
runtime of gRPC and the compiler of messages, but not the generator of stubs.
"""
import json
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import grpc

ADDRESS = sys.argv[1]
sys.path.insert(0, sys.argv[2])
import health_pb2  # noqa: E402
import orders_pb2 as o  # noqa: E402
import warehouse_pb2 as w  # noqa: E402

OPTIONS = [("grpc.max_send_message_length", -1), ("grpc.max_receive_message_length", -1)]
channel = grpc.insecure_channel(ADDRESS, options=OPTIONS)


def method(service, name, answer, on=channel):
    return on.unary_unary(f"/{service}/{name}", request_serializer=lambda m: m if isinstance(m, bytes) else m.SerializeToString(),
                          response_deserializer=answer.FromString)


ORDERS, WAREHOUSE = "stowline.v1.OrderService", "stowline.v1.WarehouseService"
create = method(ORDERS, "CreateOrder", o.OrderResponse)
get = method(ORDERS, "GetOrder", o.Order)
cancel = method(ORDERS, "CancelOrder", o.Order)
watch = channel.unary_stream(f"/{ORDERS}/WatchOrders", request_serializer=o.WatchOrdersRequest.SerializeToString,
                             response_deserializer=o.OrderEvent.FromString)
LIMIT = 60


def line(quantity=1):
    return [o.OrderLine(sku="PIZZA-1", quantity=quantity)]


def refused(code, call, problem=None):
    try:
        call()
    except grpc.RpcError as error:
        assert error.code() == code, f"{error.code()} and not {code}: {error.details()}"
        if problem:
            assert dict(error.trailing_metadata())["stowline-code"] == problem, error.trailing_metadata()
        return error
    raise AssertionError(f"was answered, and should have been {code}")


def health_is_serving():
    check = method("grpc.health.v1.Health", "Check", health_pb2.HealthCheckResponse)
    assert check(health_pb2.HealthCheckRequest(), timeout=LIMIT).status == health_pb2.HealthCheckResponse.SERVING


def an_order_is_placed_read_and_cancelled():
    answer, call = create.with_call(o.CreateOrderRequest(
        customer_id=12345, pizza_name="Пицца Классическая", quantity=2, customer_first_name="Иван", customer_last_name="Иванов",
        customer_phone="+79001234567", delivery_address="ул. Ленина, д. 1"),
        timeout=LIMIT, metadata=[("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"), ("stowline-actor", "python")])
    assert "4bf92f3577b34da6a3ce929d0e0e4736" in dict(call.initial_metadata())["traceparent"]
    order = get(o.GetOrderRequest(id=answer.order_id), timeout=LIMIT)
    assert order.customer.phone == "+79001234567" and order.total.amount == "1924.00", order
    assert "customer_id 12345" in order.note
    gone = cancel(o.CancelOrderRequest(id=answer.order_id, reason="test"), timeout=LIMIT)
    assert gone.status == o.ORDER_STATUS_CANCELLED, gone.status


def refusals_have_their_status():
    S = grpc.StatusCode
    refused(S.FAILED_PRECONDITION, lambda: create(o.CreateOrderRequest(lines=line(1_000_000)), timeout=LIMIT), "insufficient_stock")
    refused(S.INVALID_ARGUMENT, lambda: create(o.CreateOrderRequest(), timeout=LIMIT), "invalid_request")
    refused(S.NOT_FOUND, lambda: get(o.GetOrderRequest(id="nobody:1"), timeout=LIMIT), "order_not_found")
    error = refused(S.INVALID_ARGUMENT, lambda: create(o.CreateOrderRequest(lines=[o.OrderLine(sku="нет", quantity=1)]), timeout=LIMIT), "unknown_sku")
    assert "нет" in error.details()
    problem = json.loads(dict(error.trailing_metadata())["stowline-problem-bin"])
    assert problem["errors"]["lines[0].sku"]
    refused(S.UNIMPLEMENTED, lambda: method(ORDERS, "Nothing", o.Order)(b"", timeout=LIMIT))
    refused(S.INTERNAL, lambda: create(b"\xff\xff\xff\xff\x07", timeout=LIMIT))


def a_stream_tells_what_happens():
    stream = watch(o.WatchOrdersRequest(), timeout=LIMIT)
    position = int(dict(stream.initial_metadata())["stowline-position"])
    answer = create(o.CreateOrderRequest(lines=line()), timeout=LIMIT)
    placed = next(e for e in stream if e.order_id == answer.order_id)
    assert placed.type == "order.placed" and placed.order.lines[0].sku == "PIZZA-1" and placed.position > position
    stream.cancel()
    again = watch(o.WatchOrdersRequest(after_position=position), timeout=LIMIT)
    assert next(again).event_id == placed.event_id
    again.cancel()


def a_deadline_is_kept():
    refused(grpc.StatusCode.DEADLINE_EXCEEDED, lambda: list(watch(o.WatchOrdersRequest(), timeout=0.3)))


def cancelling_ends_a_call():
    stream = watch(o.WatchOrdersRequest(), timeout=LIMIT)
    stream.initial_metadata()
    threading.Timer(0.1, stream.cancel).start()
    refused(grpc.StatusCode.CANCELLED, lambda: list(stream))


def large_messages():
    padding = bytes([0x82, 0xFA, 0x01])  # field 4000, which the message does not have

    def padded(size):
        number, length = size, b""
        while number > 127:
            length, number = length + bytes([number & 127 | 128]), number >> 7
        return o.CreateOrderRequest(lines=line()).SerializeToString() + padding + length + bytes([number]) + b"x" * size

    assert create(padded(12 * 1024 * 1024), timeout=LIMIT).order_id
    refused(grpc.StatusCode.RESOURCE_EXHAUSTED, lambda: create(padded(17 * 1024 * 1024), timeout=LIMIT))


def compressed_requests():
    packed = grpc.insecure_channel(ADDRESS, compression=grpc.Compression.Gzip)
    assert method(ORDERS, "CreateOrder", o.OrderResponse, packed)(o.CreateOrderRequest(note="x" * 1500, lines=line()), timeout=LIMIT).order_id
    packed.close()


def sixty_four_calls_at_once():
    with ThreadPoolExecutor(64) as pool:
        answers = list(pool.map(lambda i: create(o.CreateOrderRequest(channel="par", external_id=f"python-{i}", lines=line()), timeout=LIMIT), range(640)))
    assert len({a.order_id for a in answers}) == 640
    assert len({a.number for a in answers}) == 640


def the_warehouse_answers():
    place = method(WAREHOUSE, "PlaceInventory", w.ProductLocation)
    at = place(w.PlaceInventoryRequest(listing_id=7, warehouse_id=1, location="P-01", quantity=3), timeout=LIMIT)
    assert (at.sku, at.quantity) == ("LISTING-7", 3)
    task = method(WAREHOUSE, "CreatePickingTask", w.PickingTask)(w.CreatePickingTaskRequest(
        order_id=777, warehouse_id=1, priority=o.PRIORITY_URGENT, items=[w.PickingItem(listing_id=7, quantity=2)]), timeout=LIMIT)
    assert (task.order_id, task.status, task.priority) == (777, w.PICKING_TASK_STATUS_PENDING, o.PRIORITY_URGENT)
    refused(grpc.StatusCode.FAILED_PRECONDITION,
            lambda: method(WAREHOUSE, "StartPickingTask", w.PickingTask)(w.StartPickingTaskRequest(task_id=task.id), timeout=LIMIT), "invalid_transition")


failures = 0
for check in [health_is_serving, an_order_is_placed_read_and_cancelled, refusals_have_their_status, a_stream_tells_what_happens, a_deadline_is_kept,
              cancelling_ends_a_call, large_messages, compressed_requests, sixty_four_calls_at_once, the_warehouse_answers]:
    try:
        check()
        print("ok", check.__name__.replace("_", " "))
    except Exception as error:  # every check is tried, whatever becomes of the others
        failures += 1
        print(f"FAILED {check.__name__.replace('_', ' ')}: {type(error).__name__} {error}")
channel.close()
sys.exit(0 if failures == 0 else 1)
