-- wrk: reads one of 1,000 products.
function init()
  math.randomseed(os.time())
end

function request()
  return wrk.format("GET", "/products/" .. math.random(1000))
end
