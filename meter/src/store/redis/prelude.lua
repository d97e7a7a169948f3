-- What scripts share. KEYS[1] is the portal's epoch.
local K, A, call, type, safely = KEYS, ARGV, redis.call, type, pcall
local pcall = redis.pcall
local aside

-- Somebody else's value under a key of ours is renamed, and what should be there begins anew.
local function put_aside(key, said)
  if not (said:find('WRONGTYPE', 1, true) or said:find('not an integer', 1, true) or said:find('overflow', 1, true)
      or said:find('exhausted', 1, true)) then return false end
  local root, time = K[1]:sub(1, -6), call('TIME')
  local to = root .. 'aside:' .. time[1] .. '.' .. time[2] .. ':' .. key:sub(#root + 1)
  call('RENAME', key, to)
  aside = aside or {}
  aside[#aside + 1] = to
  return true
end

local function write(command, key, ...)
  local answer = pcall(command, key, ...)
  if type(answer) == 'table' and answer.err then
    put_aside(key, answer.err)
    return call(command, key, ...)
  end
  return answer
end

local function answer(code, values)
  if not (aside or values) then return code end
  local all = { code, values or {} }
  for i = 1, aside and #aside or 0 do all[i + 2] = aside[i] end
  return all
end

