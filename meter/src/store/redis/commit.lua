-- One step: all of it, or nothing. commit.rs says what KEYS and ARGV hold.
-- What can be told twice without harm is written first, what decides after it, what is only a projection last:
-- a server that refuses in the middle leaves nothing that another try does not heal.
if pcall('GET', K[1]) ~= A[1] then return 0 end
local head = A[2]
local writes, lives, entries = struct.unpack('>I4I4I4', head)

local a, values, lost = 3, {}, false
for i = 1, writes do
  local value = pcall('GET', K[4 + i])
  if type(value) == 'table' then value = again(value, 'GET', K[4 + i]) end
  local how = A[a]
  if how == 'new' or how == 'none' then
    lost = lost or value
  else
    lost = lost or value ~= A[a + 1]
  end
  values[i] = value
  a = a + 4
end
if lost then return answer(2, values) end

local first = a + 2 * lives
local after = first + 2 * entries

-- The value of a visitor who was seen a moment ago cannot have expired: it was deleted, or evicted, and a new one would
-- count the session again. All is sent again then, once in ten minutes at most.
local function was_lost(member, lasts)
  local seen = tonumber(pcall('ZSCORE', K[2], member))
  if not seen then return false end
  for i = a, first - 2, 2 do
    if A[i] == member then return (tonumber(A[i + 1]) or math.huge) - seen < lasts / 2 end
  end
  return false
end
local visitors = K[1]:sub(1, -6) .. 'visitor:'
for i = 1, writes do
  local key = K[4 + i]
  if A[4 * i - 1] == 'new' and key:sub(1, #visitors) == visitors
      and was_lost(key:sub(#visitors + 1), tonumber(A[4 * i + 2]))
      and call('TIME')[1] * 1000 - tonumber(A[1]:match('%d+$')) > 600000 then
    call('DEL', K[1])
    return answer(0)
  end
end

-- Lua hands over some thousands of arguments at most.
for i = first, after - 1, 200 do
  local upto = math.min(i + 199, after - 1)
  local id = pcall('XADD', K[3], 'NOMKSTREAM', '*', unpack(A, i, upto))
  if type(id) == 'table' then id = again(id, 'XADD', K[3], 'NOMKSTREAM', '*', unpack(A, i, upto)) end
  -- The stream is made with the epoch: what it held is lost.
  if not id then return answer(0) end
end
for i = a, first - 2, 2 do
  if A[i + 1] == '' then
    write('ZREM', K[2], A[i])
  else
    local added = pcall('ZADD', K[2], A[i + 1], A[i])
    if type(added) == 'table' then again(added, 'ZADD', K[2], A[i + 1], A[i]) end
  end
end
a = 3
for i = 5, 4 + writes do
  local how = A[a]
  if how == 'new' or how == 'change' then
    call('SET', K[i], A[a + 2], 'PX', A[a + 3])
  elseif how == 'gone' then
    call('DEL', K[i])
  elseif how == 'same' then
    call('PEXPIRE', K[i], A[a + 3])
  end
  a = a + 4
end

local function add(key, label, from, upto)
  for at = from, upto, 2 do
    local sum = pcall('HINCRBY', key, A[at], A[at + 1])
    if type(sum) == 'table' then
      again(sum, 'HINCRBY', key, A[at], 0)
      return add(key, label, from, upto)
    end
    if at == from and sum == tonumber(A[at + 1]) then write('SADD', K[4], label) end
    if A[at] == 'duration_ms' then
      call('HSET', key, 'duration_seconds', string.format('%.0f', math.floor(sum / 1000)))
    end
  end
end

-- A day's hashes: the portal's, then those of its modules. What is sealed gains no records.
a = after
local count, portal_sealed = 12, false
for i = 5 + writes, #K do
  local key, label, records, all = K[i], A[a], head:byte(count + 1, count + 2)
  local sealed = pcall('HEXISTS', key, 'sealed')
  if type(sealed) == 'table' then sealed = again(sealed, 'HEXISTS', key, 'sealed') end
  sealed = sealed == 1
  if #label > 10 then sealed = sealed or portal_sealed else portal_sealed = sealed end
  add(key, label, a + 1 + (sealed and 2 * records or 0), a + 2 * all)
  a, count = a + 1 + 2 * all, count + 2
end
return answer(1)
