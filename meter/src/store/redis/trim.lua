-- The stream lets go of what every group was given, once it was there for a while: a group may be made a little later than
-- others read. KEYS: records. ARGV: how long, in ms.
local groups = redis.pcall('XINFO', 'GROUPS', KEYS[1])
if groups.err then
  if groups.err:find('no such key', 1, true) then return 0 end
  return groups
end
local lowest, lowest_ms, lowest_seq
for _, group in ipairs(groups) do
  for i = 1, #group, 2 do
    if group[i] == 'last-delivered-id' then
      local ms, seq = group[i + 1]:match('^(%d+)-(%d+)$')
      ms, seq = tonumber(ms), tonumber(seq)
      if not lowest or ms < lowest_ms or (ms == lowest_ms and seq < lowest_seq) then
        lowest, lowest_ms, lowest_seq = group[i + 1], ms, seq
      end
    end
  end
end
if not lowest then return 0 end
local linger, time = tonumber(ARGV[1]), redis.call('TIME')
local young = math.max(time[1] * 1000 - linger, 0)
if linger > 0 and lowest_ms > young then lowest = string.format('%.0f-0', young) end
return redis.call('XTRIM', KEYS[1], 'MINID', lowest)
