-- PENDING or PAID → CANCELED; the units return to the stock. Of several cancels at the same time, the row's
-- lock lets only one find the order PENDING or PAID, so the units return once. The others find it CANCELED,
-- and succeed too.
CREATE FUNCTION cancel_order(id bigint)
RETURNS order_answer LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
    canceled orders;
BEGIN
    UPDATE orders SET status = 'CANCELED', canceled_at = clock_timestamp()
    WHERE orders.id = cancel_order.id AND orders.status IN ('PENDING', 'PAID')
    RETURNING orders.* INTO canceled;
    IF FOUND THEN
        PERFORM return_units(canceled.product_id, canceled.id, canceled.quantity, 'canceled');
        RETURN order_done(canceled);
    END IF;

    SELECT orders.* INTO canceled FROM orders
    WHERE orders.id = cancel_order.id AND orders.status = 'CANCELED';
    IF FOUND THEN
        RETURN order_done(canceled);
    END IF;
    RETURN refuse_order(id, 'not_cancelable');
END
$$;
