-- Many products in one transaction: a line whose SKU is taken is skipped and named.
-- They are made in SKU order, so that two bulks never wait for each other's SKUs in a circle; of two
-- lines with one SKU the first wins.
CREATE FUNCTION create_products(lines jsonb)
RETURNS TABLE (index integer, outcome outcome, about text, id bigint)
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
    line record;
    answer product_answer;
BEGIN
    FOR line IN
        SELECT ordinality - 1 AS index, upper(value ->> 'sku') AS sku, value ->> 'name' AS name,
               (value ->> 'price')::numeric AS price, (value ->> 'stock')::bigint AS stock
        FROM jsonb_array_elements(lines) WITH ORDINALITY
        ORDER BY upper(value ->> 'sku') COLLATE "C", ordinality
    LOOP
        answer := create_product(line.sku, line.name, line.price, line.stock);
        index := line.index;
        outcome := answer.outcome;
        about := answer.about;
        id := answer.id;
        RETURN NEXT;
    END LOOP;
END
$$;
