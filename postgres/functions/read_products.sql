-- Reads are bodies without strings: names are resolved when they are created, so no search_path can
-- mislead them, and the planner sees through the call to the filters that are really there.
CREATE FUNCTION read_product(wanted_id bigint)
RETURNS SETOF products LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT * FROM products WHERE id = wanted_id;
END;

-- A SKU is stored upper-case.
CREATE FUNCTION read_product_by_sku(wanted_sku text)
RETURNS SETOF products LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT * FROM products WHERE sku = upper(wanted_sku);
END;

-- One page of what the filters leave, by id. `total` counts all of it and stands on every row; an empty
-- page is one row with nothing but the total. The collation is named so that case means the same under
-- every locale the database may have been made with.
CREATE FUNCTION list_products(
    page bigint, per_page integer, search text DEFAULT NULL, min_price numeric DEFAULT NULL,
    max_price numeric DEFAULT NULL, in_stock_only boolean DEFAULT FALSE, low_stock_threshold bigint DEFAULT NULL
)
RETURNS TABLE (total bigint, id bigint, sku text, name text, price numeric, stock bigint)
LANGUAGE sql STABLE
BEGIN ATOMIC
    WITH found AS NOT MATERIALIZED (
        SELECT * FROM products
        WHERE (search IS NULL
               OR strpos(lower(products.name COLLATE pg_c_utf8), lower(search COLLATE pg_c_utf8)) > 0)
          AND (min_price IS NULL OR products.price >= min_price)
          AND (max_price IS NULL OR products.price <= max_price)
          AND (NOT in_stock_only OR products.stock > 0)
          AND (low_stock_threshold IS NULL OR products.stock <= low_stock_threshold)
    )
    SELECT counted.total, listed.*
    FROM (SELECT count(*) AS total FROM found) AS counted
    LEFT JOIN (
        SELECT * FROM found ORDER BY found.id LIMIT per_page OFFSET (page - 1) * per_page
    ) AS listed ON TRUE
    ORDER BY listed.id;
END;
