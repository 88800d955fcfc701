-- Changes any of sku, name, price and stock; null means no change. The stock ledger gets the difference between
-- the new stock and the old one.
CREATE FUNCTION change_product(id bigint, sku text, name text, price numeric, stock bigint)
RETURNS product_answer LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
    before products;
    changed products;
    answer product_answer;
BEGIN
    SELECT products.* INTO before FROM products WHERE products.id = change_product.id FOR UPDATE;
    IF NOT FOUND THEN
        answer.outcome := 'product_not_found';
        RETURN answer;
    END IF;

    UPDATE products SET
        sku = coalesce(upper(change_product.sku), before.sku),
        name = coalesce(change_product.name, before.name),
        price = coalesce(change_product.price, before.price),
        stock = coalesce(change_product.stock, before.stock)
    WHERE products.id = before.id
    RETURNING products.* INTO changed;

    IF changed.stock <> before.stock THEN
        INSERT INTO stock_movements (product_id, delta, stock_after, kind)
        VALUES (changed.id, changed.stock - before.stock, changed.stock, 'set');
    END IF;
    RETURN product_done(changed);
EXCEPTION WHEN unique_violation THEN
    answer.outcome := 'duplicate_sku';
    answer.about := upper(sku);
    RETURN answer;
END
$$;
