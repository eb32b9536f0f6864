with opportunities as (

    select
        opportunity_id,
        account_id,
        stage,
        currency,
        amount,
        opened_at,
        case when closed_at <= {{ as_of() }} then closed_at end as closed_at,
        cast({{ dbt.date_trunc('month', 'opened_at') }} as date) as currency_month
    from {{ ref('stg_crm__opportunities') }}
    where opened_at < {{ as_of() }}

),

currency_months as (

    select
        currency,
        currency_month,
        rate_to_reporting
    from {{ ref('int_currency_months_rated') }}

)

select
    opportunities.opportunity_id,
    opportunities.account_id,
    opportunities.stage,
    opportunities.currency,
    {{ days_between('opportunities.opened_at', 'coalesce(opportunities.closed_at, ' ~ as_of() ~ ')') }} as age_days,
    opportunities.amount,
    cast(opportunities.amount * currency_months.rate_to_reporting as decimal(18, 4)) as amount_reporting,
    opportunities.closed_at is null as is_open,
    opportunities.opened_at,
    opportunities.closed_at
from opportunities
left join currency_months
    on
        opportunities.currency = currency_months.currency
        and opportunities.currency_month = currency_months.currency_month
