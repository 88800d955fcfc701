-- The result of a successful act on an order: the order after the act.
CREATE FUNCTION order_done(done orders)
RETURNS order_answer LANGUAGE sql IMMUTABLE
RETURN ROW('done', NULL, done.id, done.product_id, done.quantity, done.status, done.created_at)::order_answer;

-- The result of a refused act: the order does not exist, or its status does not allow the act.
CREATE FUNCTION refuse_order(id bigint, refusal outcome)
RETURNS order_answer LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
    answer order_answer;
BEGIN
    SELECT orders.status INTO answer.about FROM orders WHERE orders.id = refuse_order.id;
    answer.outcome := CASE WHEN FOUND THEN refusal ELSE 'order_not_found' END;
    RETURN answer;
END
$$;
