-- Invented profiles as hygiene leaves them: a fifth of the `profiles` are second, third or later ones of a person, each
-- with another part of what the person could have said; 5,000 share one test address, and as many a switchboard's number.
-- Every value follows from the row's number.
create macro mixed(n) as xor(n, n >> 15);
create macro draw(n, use) as
    (mixed((mixed((n * 2654435761 + use * 2246822519) & 4294967295) * 1103515245) & 4294967295) & 4294967295)
    / 4294967296.0;
create macro whole(n, use, below) as cast(floor(draw(n, use) * below) as bigint);

create schema intermediate;
create schema staging;
create schema reference;

create table intermediate.int_profiles_cleaned as
with numbered as (
    select
        n,
        case when n % 5 = 0 then whole(n, 1, getvariable('profiles')) else n end as person
    from range(getvariable('profiles')) as profiles (n)
)
select
    'p' || n as profile_id,
    case
        when n % 2000 = 7 and n < 10000000 then 'test@example.com'
        when n = person and draw(n, 2) < 0.9 or draw(n, 2) < 0.5 then 'person' || person || '@example.com'
    end as email_normalised,
    case
        when n % 2000 = 11 and n < 10000000 then '+15550000000'
        when draw(n, 3) < 0.7 then '+1' || lpad(cast(2000000000 + person as varchar), 10, '0')
    end as phone_e164,
    case when draw(n, 4) < 0.3 then 'L' || person end as loyalty_number,
    case when draw(person, 5) < 0.02 then 'account' || whole(person, 6, 50000) end as account_id,
    case when draw(n, 7) < 0.6 then date '1940-01-01' + cast(whole(person, 8, 25000) as int) end as birth_date,
    'first' || whole(person, 9, 4000) as first_name,
    'last' || cast(floor(pow(draw(person, 10), 2) * 60000) as int) as last_name,
    case when draw(n, 11) < 0.5 then whole(person, 12, 300) || ' Street ' || whole(person, 13, 5000) end as address,
    lpad(cast(whole(person, 14, 40000) as varchar), 5, '0') as postal_code,
    'US' as country
from numbered;

create table staging.stg_crm__devices as
select 'device' || whole(n, 15, getvariable('profiles')) as device_id, 'p' || n as profile_id
from range(getvariable('profiles') // 2) as profiles (n);

create table staging.stg_web__events as
select cast(null as varchar) as device_id, cast(null as varchar) as profile_id
where false;
