-- A new epoch, if the one that was found is still there; returns the one that is there then. KEYS: the epoch. ARGV: the
-- one that was found, the new one.
local now = redis.call('GET', KEYS[1])
if now ~= ARGV[1] then return now end
redis.call('SET', KEYS[1], ARGV[2])
return ARGV[2]
