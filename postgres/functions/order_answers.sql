-- An act on an order went well: the order as it now is.
CREATE FUNCTION order_done(done orders)
RETURNS order_answer LANGUAGE sql IMMUTABLE
RETURN ROW('done', NULL, done.id, done.product_id, done.quantity, done.status, done.created_at)::order_answer;

-- An act did not apply to an order: there is none, or its status forbids it.
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
