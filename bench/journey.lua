-- wrk: the requests of the shop's customers in their proportions, as bytes that are made once.
local requests, turn = {}, 0

local function add(times, method, path, body, key)
  local headers = {}
  if body then headers["Content-Type"] = "application/json" end
  if key then headers["Idempotency-Key"] = key end
  for _ = 1, times do
    requests[#requests + 1] = wrk.format(method, path, headers, body)
  end
end

function init()
  add(2, "GET", "/products/?page=7&per_page=20")
  add(8, "POST", "/orders/", '{"product_id":17,"quantity":3}', "20261201-120000-beef/0-a1b2c3/12345")
  add(2, "GET", "/orders/?page=3&per_page=20")
  add(1, "GET", "/orders/?status=PAID")
  add(4, "GET", "/orders/1234")
  add(5, "POST", "/orders/1234/pay")
  add(4, "POST", "/orders/1234/ship")
  add(1, "POST", "/orders/1234/cancel")
end

function request()
  turn = turn % #requests + 1
  return requests[turn]
end
