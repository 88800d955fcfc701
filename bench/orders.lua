-- wrk: places orders, each with its own key, of the products 1 to `products` (an argument) that have much stock.
local number, products = 0, 1
local prefix = string.format("bench-%d-%d/", os.time(), math.floor(os.clock() * 1e6) % 1000000)

function init(arguments)
  products = tonumber(arguments[1]) or 1
  math.randomseed(os.time())
end

function request()
  number = number + 1
  local headers = { ["Content-Type"] = "application/json", ["Idempotency-Key"] = prefix .. number }
  local body = string.format('{"product_id":%d,"quantity":1}', math.random(products))
  return wrk.format("POST", "/orders/", headers, body)
end
