-- What one unit of each currency was worth in the reporting currency, in each month in which there is money in it. A
-- month has the rate of its first day. Where all money is in one currency, that is the reporting currency and needs no
-- rate; else a currency without a rate has null, and a data test stops the run.
with rates as (

    select
        currency,
        valid_from_date,
        rate_to_reporting
    from {{ ref('currency_rates') }}

),

orders as (

    select
        currency,
        ordered_at
    from {{ ref('stg_shop__orders') }}

),

conversions as (

    select
        currency,
        converted_at
    from {{ ref('stg_campaigns__conversions') }}
    where conversion_value is not null

),

opportunities as (

    select
        currency,
        opened_at
    from {{ ref('stg_crm__opportunities') }}
    where amount is not null

),

months_collected as (

    select
        currency,
        cast({{ dbt.date_trunc('month', 'ordered_at') }} as date) as currency_month
    from orders

    union

    select
        currency,
        cast({{ dbt.date_trunc('month', 'converted_at') }} as date) as currency_month
    from conversions

    union

    select
        currency,
        cast({{ dbt.date_trunc('month', 'opened_at') }} as date) as currency_month
    from opportunities

),

months_rated as (

    select
        months_collected.currency,
        months_collected.currency_month,
        max_by(rates.rate_to_reporting, rates.valid_from_date) as rate_to_reporting
    from months_collected
    left join rates
        on
            months_collected.currency = rates.currency
            and months_collected.currency_month >= rates.valid_from_date
    where months_collected.currency is not null
    group by months_collected.currency, months_collected.currency_month

),

currencies_counted as (

    select
        count(distinct currency) as currency_count,
        count(rate_to_reporting) as rated_month_count
    from months_rated

)

select
    months_rated.currency,
    cast(
        coalesce(
            months_rated.rate_to_reporting,
            case
                when currencies_counted.currency_count = 1 and currencies_counted.rated_month_count = 0 then 1
            end
        ) as decimal(18, 8)
    ) as rate_to_reporting,
    months_rated.currency_month
from months_rated
cross join currencies_counted
