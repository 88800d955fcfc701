-- Places many orders in one transaction. A refused line is skipped, and its outcome returned; the others are
-- placed. `lines` is [{"product_id": 1, "quantity": 2}, …]; line i is stored under the key "<key>#<i>".
-- Calls cannot deadlock. They insert their keys before they lock any product, as place_order does, and in the
-- order of the lines; then they lock all products in the order of their ids.
CREATE FUNCTION place_orders(lines jsonb, key text DEFAULT NULL)
RETURNS TABLE (index integer, outcome outcome, about text, id bigint)
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
    line record;
    claimed text[];
    answer order_answer;
BEGIN
    WITH claim AS (
        INSERT INTO order_keys
        SELECT key || '#' || (ordinality - 1), 0, (value ->> 'product_id')::bigint,
               (value ->> 'quantity')::integer, now()
        FROM jsonb_array_elements(lines) WITH ORDINALITY
        WHERE key IS NOT NULL
        ORDER BY ordinality
        ON CONFLICT DO NOTHING
        RETURNING order_keys.key
    )
    SELECT array_agg(claim.key) INTO claimed FROM claim;

    PERFORM FROM products
    WHERE products.id IN (SELECT (value ->> 'product_id')::bigint FROM jsonb_array_elements(lines))
    ORDER BY products.id
    FOR NO KEY UPDATE;

    -- place_order inserts them again. Other calls with these keys still wait until this transaction ends.
    DELETE FROM order_keys WHERE order_keys.key = ANY (claimed);

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
