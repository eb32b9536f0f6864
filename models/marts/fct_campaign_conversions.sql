with conversions as (

    select
        conversion_id,
        profile_id,
        campaign,
        currency,
        conversion_value,
        converted_at,
        cast({{ dbt.date_trunc('month', 'converted_at') }} as date) as currency_month
    from {{ ref('stg_campaigns__conversions') }}
    where converted_at < {{ as_of() }}

),

sends as (

    select
        campaign,
        profile_id,
        sent_at
    from {{ ref('stg_campaigns__sends') }}

),

profiles_mapped as (

    select
        profile_id,
        customer_id
    from {{ ref('int_profiles_mapped') }}

),

currency_months as (

    select
        currency,
        currency_month,
        rate_to_reporting
    from {{ ref('int_currency_months_rated') }}

),

customers_sent as (

    select
        sends.campaign,
        profiles_mapped.customer_id,
        min(sends.sent_at) as first_sent_at
    from sends
    inner join profiles_mapped
        on sends.profile_id = profiles_mapped.profile_id
    group by sends.campaign, profiles_mapped.customer_id

)

select
    conversions.conversion_id,
    profiles_mapped.customer_id,
    conversions.campaign,
    conversions.currency,
    conversions.conversion_value,
    cast(conversions.conversion_value * currency_months.rate_to_reporting as decimal(18, 4))
        as conversion_value_reporting,
    coalesce(customers_sent.first_sent_at <= conversions.converted_at, false) as has_send,
    conversions.converted_at
from conversions
inner join profiles_mapped
    on conversions.profile_id = profiles_mapped.profile_id
left join customers_sent
    on
        conversions.campaign = customers_sent.campaign
        and profiles_mapped.customer_id = customers_sent.customer_id
left join currency_months
    on
        conversions.currency = currency_months.currency
        and conversions.currency_month = currency_months.currency_month
