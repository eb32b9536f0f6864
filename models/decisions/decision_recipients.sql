-- Where each customer is, as far as rules ask: market, account, language, and the place whose hours count. Who has
-- no country is taken for one of the home market; who lives where no market is has none.
with customers as (

    select
        customer_id,
        account_id,
        country,
        postal_code,
        time_zone,
        language
    from {{ ref('dim_customers') }}

),

markets as (

    select
        market,
        country,
        is_home
    from {{ ref('markets') }}

),

home_market as (

    select min(country) as country
    from markets
    where is_home

),

postal_regions as (

    select
        country,
        region,
        first_prefix,
        last_prefix
    from {{ ref('postal_regions') }}

),

customers_placed as (

    select
        customers.customer_id,
        customers.account_id,
        customers.postal_code,
        customers.time_zone,
        customers.language,
        coalesce(customers.country, home_market.country) as country
    from customers
    cross join home_market

),

regions as (

    select
        customers_placed.customer_id,
        min(postal_regions.region) as region
    from customers_placed
    inner join postal_regions
        on
            customers_placed.country = postal_regions.country
            and substr(customers_placed.postal_code, 1, 3) >= postal_regions.first_prefix
            and substr(customers_placed.postal_code, 1, 3) <= postal_regions.last_prefix
    group by customers_placed.customer_id

)

select
    customers_placed.customer_id,
    customers_placed.account_id,
    markets.market,
    customers_placed.country,
    regions.region,
    customers_placed.time_zone,
    customers_placed.language
from customers_placed
left join markets
    on customers_placed.country = markets.country
left join regions
    on customers_placed.customer_id = regions.customer_id
