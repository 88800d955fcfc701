-- pgbench: the call that POST /orders/ makes. `products` is set on the command line.
\set product random(1, :products)
\set number random(1, 9000000000000000000)
SELECT * FROM place_order(:product, 1, 'bench-' || :number);
