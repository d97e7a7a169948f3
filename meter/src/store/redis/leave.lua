-- Visitors leave the live index, unless they were seen again. KEYS: epoch, live, records. ARGV: the epoch, the time
-- up to which they were seen; for each the member, how many entries, and these.
if pcall('GET', K[1]) ~= A[1] then return 0 end
local upto, left, at = tonumber(A[2]), 0, 3
while A[at] do
  local entries = tonumber(A[at + 1])
  local seen = tonumber(write('ZSCORE', K[2], A[at]) or nil)
  if seen and seen <= upto then
    for i = at + 2, at + 1 + entries do
      if not write('XADD', K[3], 'NOMKSTREAM', '*', 'entry', A[i]) then return 0 end
    end
    call('ZREM', K[2], A[at])
    left = left + 1
  end
  at = at + 2 + entries
end
return answer(1, { left })
