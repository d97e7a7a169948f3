-- A key of ours that does not hold the type it should is renamed. KEYS: the key, what its new name begins with.
-- ARGV: the type, what its new name ends with.
local kind = redis.call('TYPE', KEYS[1]).ok
if kind == 'none' or kind == ARGV[1] then return false end
local time = redis.call('TIME')
local to = KEYS[2] .. time[1] .. '.' .. time[2] .. ':' .. ARGV[2]
redis.call('RENAME', KEYS[1], to)
return to
