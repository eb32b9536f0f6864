-- Everything that may stop a campaign of this run as a whole: its size, and how its last sends were received.
select
    campaign,
    guard,
    consequence,
    explanation,
    measured,
    limit_value,
    is_tripped
from {{ ref('guard_sizes') }}

union all

select
    campaign,
    guard,
    consequence,
    explanation,
    measured,
    limit_value,
    is_tripped
from {{ ref('guard_sends') }}
