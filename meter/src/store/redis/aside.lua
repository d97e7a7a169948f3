-- A key of ours that does not hold the type it should is renamed. KEYS: epoch, the key. ARGV: the type.
local kind = redis.call('TYPE', KEYS[2]).ok
if kind == 'none' or kind == ARGV[1] then return false end
local root, time = KEYS[1]:sub(1, -6), redis.call('TIME')
local to = root .. 'aside:' .. time[1] .. '.' .. time[2] .. ':' .. KEYS[2]:sub(#root + 1)
redis.call('RENAME', KEYS[2], to)
return to
