-- An epoch is made, or put in the place of one that another server brought or whose stream is gone, if what was found is
-- still there; returns the epoch that is there then. Entries of this epoch get places behind all that a ledger can have
-- read of the one before, on whatever server and by whatever clock. KEYS: the epoch, records. ARGV: what was found,
-- nothing if there was none; the new epoch, which gets the time of its making; by how much clocks may differ, in ms; the
-- millisecond of what a ledger has, if that is known.
local now = redis.call('GET', KEYS[1])
if (now or '') ~= ARGV[1] and redis.call('EXISTS', KEYS[2]) == 1 then return now end
local time = redis.call('TIME')
local made = time[1] * 1000 + math.floor(time[2] / 1000)
-- The clock may have been ahead; a place beyond reason is refused below, and set aside when something is added.
local function behind(millis)
  if millis < 281474976710656 - ARGV[3] then made = math.max(made, millis + 1 - ARGV[3]) end
end
behind(tonumber(ARGV[4]))
local stream = redis.pcall('XINFO', 'STREAM', KEYS[2])
for i = 1, #stream, 2 do
  if stream[i] == 'last-generated-id' then behind(tonumber(stream[i + 1]:match('^%d+'))) end
end
local epoch = ARGV[2] .. '.' .. string.format('%.0f', made)
local first = string.format('%.0f-0', made + ARGV[3])
local placed = redis.pcall('XADD', KEYS[2], first, 'epoch', epoch)
if type(placed) == 'string' then redis.call('XDEL', KEYS[2], placed) end
redis.call('SET', KEYS[1], epoch)
return epoch
