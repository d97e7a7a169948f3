-- The stream lets go of what every group was given, once it was there for a while: a group may be made a little later than
-- others read. KEYS: records. ARGV: how long, in ms.
local groups = redis.pcall('XINFO', 'GROUPS', KEYS[1])
if groups.err then
  if groups.err:find('no such key', 1, true) then return 0 end
  return groups
end
local lowest_ms, _, upto = lowest(groups)
if not upto then return 0 end
local linger, time = tonumber(ARGV[1]), redis.call('TIME')
local young = math.max(time[1] * 1000 - linger, 0)
if linger > 0 and lowest_ms > young then upto = string.format('%.0f-0', young) end
return redis.call('XTRIM', KEYS[1], 'MINID', upto)
