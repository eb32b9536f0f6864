{{ config(materialized='view') }}
-- Who is wanted in which set, by the identifiers that its destination knows people by: to the world outside a person is
-- an address and a number; within the house, an id. A destination that knows sets by ids of its own needs one.
with decisions as (

    select
        campaign,
        customer_id,
        destination,
        audience_name
    from {{ ref('decision_log') }}
    where verdict = 'send' and audience_name is not null

),

customers as (

    select
        customer_id,
        email,
        phone
    from {{ ref('dim_customers') }}

),

external_ids as (

    select
        customer_id,
        external_id
    from {{ ref('dim_external_ids') }}
    where source_system = 'crm'

),

set_destinations as (

    select
        destination,
        channel,
        purpose,
        needs_audience_id
    from {{ ref('set_destinations') }}

),

destination_audiences as (

    select
        destination,
        audience_name,
        audience
    from {{ ref('destination_audiences') }}

),

sets_wanted as (

    select
        decisions.campaign,
        decisions.destination,
        decisions.customer_id,
        set_destinations.channel,
        coalesce(destination_audiences.audience, decisions.audience_name) as audience
    from decisions
    inner join set_destinations
        on decisions.destination = set_destinations.destination
    left join destination_audiences
        on
            decisions.destination = destination_audiences.destination
            and decisions.audience_name = destination_audiences.audience_name
    where destination_audiences.audience is not null or not set_destinations.needs_audience_id

)

select
    sets_wanted.campaign,
    sets_wanted.destination,
    sets_wanted.audience,
    sets_wanted.customer_id,
    customers.email,
    customers.phone,
    cast(null as string) as external_id
from sets_wanted
inner join customers
    on sets_wanted.customer_id = customers.customer_id
where sets_wanted.channel in ('ads', 'lists')

union all

select
    sets_wanted.campaign,
    sets_wanted.destination,
    sets_wanted.audience,
    sets_wanted.customer_id,
    cast(null as string) as email,
    cast(null as string) as phone,
    external_ids.external_id
from sets_wanted
inner join external_ids
    on sets_wanted.customer_id = external_ids.customer_id
where sets_wanted.channel in ('crm', 'onsite')
