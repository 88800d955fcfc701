-- The functions run with the rights of who calls them, so `api` has on each table what they need, and
-- no more: nobody but the owner can change or remove a line of the ledger.
GRANT SELECT ON schema_version TO api;
GRANT SELECT, INSERT, UPDATE, DELETE ON products, orders TO api;
GRANT SELECT, INSERT, DELETE ON order_keys TO api;
GRANT SELECT, INSERT ON stock_movements TO api;
GRANT SELECT, UPDATE ON totals TO api;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO api;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA public TO api;
REVOKE EXECUTE ON FUNCTION read_usage FROM api; -- it alone runs with the owner's rights

GRANT SELECT ON ALL TABLES IN SCHEMA public TO auditor;
GRANT EXECUTE ON FUNCTION read_usage TO auditor;

RESET ROLE;
