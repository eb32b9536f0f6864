-- What the models of repeat buying are fitted to: how many customers share each history. Compiled for DuckDB with all
-- models above it, so that a fit reads the statistics by the project's own definitions; no row is about one customer
-- by name. The order is total: the same people give the same digits.
with purchase_statistics as (

    select
        frequency,
        recency_weeks,
        age_weeks,
        monetary_value
    from {{ ref('int_purchase_statistics_summed') }}

)

select
    'bg_nbd' as model,
    frequency,
    recency_weeks,
    age_weeks,
    cast(null as double) as monetary_value,
    count(*) as customers
from purchase_statistics
group by frequency, recency_weeks, age_weeks

union all

select
    'gamma_gamma' as model,
    frequency,
    cast(null as double) as recency_weeks,
    cast(null as double) as age_weeks,
    cast(monetary_value as double) as monetary_value,
    count(*) as customers
from purchase_statistics
where frequency > 0 and monetary_value > 0
group by frequency, monetary_value
