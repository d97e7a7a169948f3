-- One step: all of it, or nothing. commit.rs says what KEYS and ARGV hold.
-- What can be told twice without harm is written first, what decides after it, what is only a projection last:
-- a server that refuses in the middle leaves nothing that another try does not heal.
local a = 5
local writes, lives, entries = tonumber(A[2]), tonumber(A[3]), tonumber(A[4])

local function add(key, label, from, upto)
  for at = from, upto, 2 do
    local sum = pcall('HINCRBY', key, A[at], A[at + 1])
    if type(sum) == 'table' then
      if not put_aside(key, sum.err) then call('HINCRBY', key, A[at], A[at + 1]) end
      return add(key, label, from, upto)
    end
    if at == from and sum == tonumber(A[at + 1]) then write('SADD', K[4], label) end
    if A[at] == 'duration_ms' then
      call('HSET', key, 'duration_seconds', string.format('%.0f', math.floor(sum / 1000)))
    end
  end
end

if pcall('GET', K[1]) ~= A[1] then return 0 end

local now, lost = {}, false
for i = 1, writes do
  local value = pcall('GET', K[4 + i])
  if type(value) == 'table' then
    if not put_aside(K[4 + i], value.err) then call('GET', K[4 + i]) end
    value = false
  end
  local how = A[a]
  if how == 'new' or how == 'none' then
    lost = lost or value
  else
    lost = lost or value ~= A[a + 1]
  end
  now[i] = value
  a = a + 4
end
if lost then return answer(2, now) end

local first = a + 2 * lives
for i = first, first + entries - 1 do write('XADD', K[3], '*', 'entry', A[i]) end
for i = a, first - 2, 2 do
  if A[i + 1] == '' then write('ZREM', K[2], A[i]) else write('ZADD', K[2], A[i + 1], A[i]) end
end
a = 5
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

-- A day's hashes: the portal's, then those of its modules. What is sealed gains no records.
a = first + entries
local portal_sealed
for i = 5 + writes, #K do
  local label, records, all = A[a], tonumber(A[a + 1]), tonumber(A[a + 2])
  local key, start = K[i], a + 3
  local sealed = write('HEXISTS', key, 'sealed') == 1
  if label:byte(11) then sealed = sealed or portal_sealed else portal_sealed = sealed end
  add(key, label, sealed and start + 2 * records or start, start + 2 * all - 2)
  a = start + 2 * all
end
return answer(1)
