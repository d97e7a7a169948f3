-- Steps of a portal: all of them, or nothing. commit.rs says what KEYS and ARGV hold.
-- What can be told twice without harm is written first, what decides after it, what is only a projection last:
-- a server that refuses in the middle leaves nothing that another try does not heal. (After one that takes ZADD and
-- refuses XADD, the next try finds somebody live without a value, and all is sent again.)
local head = A[2]
local writes, lives, entries = struct.unpack('>I4I4I4', head)
-- Lua hands over some thousands of arguments at most.
local MOST = 200

-- A value of another type counts as absent; where one is set, GET is refused below, and it is renamed.
local values, lost, a = {}, false, 3
for first = 5, math.max(5, 4 + writes), MOST do
  local upto = math.min(first + MOST - 1, 4 + writes)
  local found = call('MGET', K[1], unpack(K, first, upto))
  if found[1] ~= A[1] then return 0 end
  for i = 2, #found do
    local how, value = A[a], found[i]
    if how == 'new' or how == 'none' then
      lost = lost or value
    else
      lost = lost or value ~= A[a + 1]
    end
    values[#values + 1] = value
    a = a + 4
  end
end
if lost then return answer(2, values) end

local live = a
local told = live + 3 * lives
local gained = told + 2 * entries

-- The value of a visitor who was seen a moment ago cannot have expired: it was deleted, or evicted, and a new one would
-- count the session again. All is sent again then, once in ten minutes at most.
local function was_lost(before, seen, lasts)
  return seen - before < lasts / 2 and call('TIME')[1] * 1000 - tonumber(A[1]:match('%d+$')) > 600000
end
for i = live, told - 3, 3 do
  local member, seen, lasts = A[i], A[i + 1], A[i + 2]
  if seen == '' then
    write('ZREM', K[2], member)
  elseif lasts == '' then
    write('ZADD', K[2], seen, member)
  elseif write('ZADD', K[2], 'NX', seen, member) == 0 then
    if was_lost(tonumber(call('ZSCORE', K[2], member)), seen, lasts) then
      call('DEL', K[1])
      return answer(0)
    end
    call('ZADD', K[2], seen, member)
  end
end

for i = told, gained - 1, MOST do
  local upto = math.min(i + MOST - 1, gained - 1)
  -- The stream is made with the epoch: what it held is lost.
  if not write('XADD', K[3], 'NOMKSTREAM', '*', unpack(A, i, upto)) then return answer(0) end
end

a = 3
for i = 5, 4 + writes do
  local how = A[a]
  if how == 'change' then
    call('SET', K[i], A[a + 2], 'PX', A[a + 3])
  elseif how == 'new' then
    write('SET', K[i], A[a + 2], 'PX', A[a + 3], 'GET')
  elseif how == 'gone' then
    call('DEL', K[i])
  elseif how == 'same' then
    call('PEXPIRE', K[i], A[a + 3])
  end
  a = a + 4
end

-- What a hash gains, field by field; returns what was refused.
local function add(key, label, from, upto)
  for at = from, upto, 2 do
    local field, gain = A[at], A[at + 1]
    local sum = pcall('HINCRBY', key, field, gain)
    if type(sum) == 'table' then return sum end
    if at == from and sum == tonumber(gain) then write('SADD', K[4], label) end
    if field == 'duration_ms' then
      call('HSET', key, 'duration_seconds', string.format('%d', math.floor(sum / 1000)))
    end
  end
end

-- A day's hashes: the portal's, then those of its modules. What is sealed gains no records.
local count, portal_sealed = 12, false
a = gained
for i = 5 + writes, #K do
  local key, label, records, all = K[i], A[a], head:byte(count + 1, count + 2)
  local sealed = write('HEXISTS', key, 'sealed') == 1
  if #label > 10 then sealed = sealed or portal_sealed else portal_sealed = sealed end
  local from, upto = a + 1 + (sealed and 2 * records or 0), a + 2 * all
  local refused = add(key, label, from, upto)
  if refused and mend(refused, key) then refused = add(key, label, from, upto) end
  if refused then return refused end
  a, count = a + 1 + 2 * all, count + 2
end
return answer(1)
