-- Amounts of two currencies cannot be added up without rates: name the missing ones in the seed currency_rates, each
-- with the date from which it holds and its worth in the reporting currency.
with currency_months_rated as (

    select
        currency,
        currency_month,
        rate_to_reporting
    from {{ ref('int_currency_months_rated') }}

)

select
    currency,
    currency_month
from currency_months_rated
where rate_to_reporting is null
