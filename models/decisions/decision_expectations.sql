-- How far the present of everything that is watched may be from what is usual, and whether it is within that. Of a
-- usual nought nothing follows for a count: who had nobody is compared with nothing.
with usual_days as (

    select
        measure,
        subject,
        compared_with,
        like_days,
        measured,
        usual,
        deviation,
        observed_date
    from {{ ref('decision_usual_days') }}

),

limits as (

    select
        measure,
        consequence,
        deviations,
        least_share,
        most_share,
        least_amount,
        needs_like_days,
        is_count,
        looks_below
    from {{ ref('anomaly_limits') }}

),

spreads as (

    select
        usual_days.*,
        limits.consequence,
        limits.looks_below,
        limits.most_share * usual_days.usual as most,
        greatest(limits.deviations * usual_days.deviation, limits.least_share * usual_days.usual) as spread,
        greatest(
            limits.least_amount,
            case when limits.is_count then limits.deviations * sqrt(usual_days.usual) else 0 end
        ) as least,
        usual_days.like_days >= limits.needs_like_days and (usual_days.usual > 0 or not limits.is_count) as is_judged
    from usual_days
    inner join limits
        on usual_days.measure = limits.measure

),

tolerances as (

    select
        *,
        case when is_judged then greatest(least(spread, coalesce(most, spread)), least) end as tolerance
    from spreads

)

select
    measure,
    subject,
    consequence,
    compared_with,
    measured,
    usual,
    deviation,
    cast(case when looks_below then usual - tolerance end as double) as lowest,
    cast(usual + tolerance as double) as highest,
    coalesce(measured > usual + tolerance or (looks_below and measured < usual - tolerance), false) as is_anomalous,
    observed_date
from tolerances
