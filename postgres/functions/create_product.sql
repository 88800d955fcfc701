-- Creates a product, with its SKU in upper case, and the first line of its stock ledger.
CREATE FUNCTION create_product(sku text, name text, price numeric, stock bigint)
RETURNS product_answer LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
    born products;
    answer product_answer;
BEGIN
    INSERT INTO products (sku, name, price, stock) VALUES (upper(sku), name, price, stock)
    ON CONFLICT ON CONSTRAINT products_sku_key DO NOTHING
    RETURNING products.* INTO born;
    IF NOT FOUND THEN
        answer.outcome := 'duplicate_sku';
        answer.about := upper(sku);
        RETURN answer;
    END IF;

    INSERT INTO stock_movements (product_id, delta, stock_after, kind)
    VALUES (born.id, born.stock, born.stock, 'created');
    RETURN product_done(born);
END
$$;

-- The result of a successful act on a product: the product after the act.
CREATE FUNCTION product_done(done products)
RETURNS product_answer LANGUAGE sql IMMUTABLE
RETURN ROW('done', NULL, done.id, done.sku, done.name, done.price, done.stock)::product_answer;
