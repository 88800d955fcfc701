-- Many orders in one transaction: a line that is refused is skipped and named, the others are placed.
-- `lines` is [{"product_id": 1, "quantity": 2}, …]; line i is remembered under the key "<key>#<i>".
-- All products are locked first, in id order, so that two bulks never wait for each other in a circle.
CREATE FUNCTION place_orders(lines jsonb, key text DEFAULT NULL)
RETURNS TABLE (index integer, outcome outcome, about text, id bigint)
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
    line record;
    answer order_answer;
BEGIN
    PERFORM FROM products
    WHERE products.id IN (SELECT (value ->> 'product_id')::bigint FROM jsonb_array_elements(lines))
    ORDER BY products.id
    FOR NO KEY UPDATE;

    FOR line IN
        SELECT ordinality - 1 AS index, (value ->> 'product_id')::bigint AS product_id,
               (value ->> 'quantity')::integer AS quantity
        FROM jsonb_array_elements(lines) WITH ORDINALITY
    LOOP
        answer := place_order(line.product_id, line.quantity, key || '#' || line.index);
        index := line.index;
        outcome := answer.outcome;
        about := answer.about;
        id := answer.id;
        RETURN NEXT;
    END LOOP;
END
$$;
