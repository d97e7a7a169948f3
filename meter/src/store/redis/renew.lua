-- An epoch is made, or put in the place of one that another server brought or whose stream is gone, if what was found is
-- still there; returns the epoch that is there then. Entries of this epoch get places behind all that a ledger can have
-- read of the one before, on whatever server and by whatever clock. KEYS: the epoch, records. ARGV: what was found,
-- nothing if there was none; the new epoch, which gets the time of its making; by how much clocks may differ, in ms.
local now = redis.call('GET', KEYS[1])
if (now or '') ~= ARGV[1] and redis.call('EXISTS', KEYS[2]) == 1 then return now end
local time = redis.call('TIME')
local made = time[1] * 1000 + math.floor(time[2] / 1000)
local epoch = ARGV[2] .. '.' .. string.format('%.0f', made)
local behind = string.format('%.0f-0', made + ARGV[3])
-- Refused where the last place is behind that already.
local placed = redis.pcall('XADD', KEYS[2], behind, 'epoch', epoch)
if type(placed) == 'string' then redis.call('XDEL', KEYS[2], placed) end
redis.call('SET', KEYS[1], epoch)
return epoch
